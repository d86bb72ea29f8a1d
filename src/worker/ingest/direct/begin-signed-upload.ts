import { PART_SIZE_THRESHOLD_BYTES } from "../../../api/direct-uploads.ts";
import type { PayloadHeader } from "../../../http/payload-header.ts";
import { type NarKey, narSha256 } from "../../../nix/object-key.ts";
import type { SignedPut } from "../../bucket/bucket.ts";
import { createIncomingPath, isSignedPath } from "../../bucket/incoming-path.ts";
import { CacheError } from "../../cache-error.ts";
import type { Push } from "../push-context.ts";
import { findCompleted } from "./begin-upload.ts";
import { type DirectUpload, folderOf, isStored } from "./direct-upload.ts";

/** The next step for the client. `stored` means nothing, and `sent` only the completion. */
export type BegunSignedUpload =
  | { readonly kind: "stored" }
  | { readonly kind: "sent"; readonly upload: DirectUpload }
  | { readonly kind: "open"; readonly upload: DirectUpload; readonly put: SignedPut };

/**
 * Signs one PUT with exactly the bytes of a NAR, for a bucket that checks them by
 * `header`.
 *
 * It never signs a PUT to the name of the NAR itself. SigV4 does not forbid further
 * headers: one PUT with `Content-Encoding: gzip` would spoil what is published, and its
 * holder could repeat it at any time within 15 minutes.
 */
export async function beginSignedUpload(
  nar: NarKey,
  sizeBytes: number,
  header: PayloadHeader,
  push: Push,
): Promise<BegunSignedUpload> {
  const sha256 = narSha256(nar);
  if (sha256 === undefined) throw new CacheError("internal", `${nar.path} has no SHA-256`);
  // For a day: longer than the signature is good for and the transfer takes.
  await push.guard.lease(nar.path);
  if (await isStored(nar, sizeBytes, push)) return { kind: "stored" };
  // A small NAR is sent again in the time that this listing takes. What was sent in parts
  // is not taken up: the gateway would have to read it, and the free plan allows that to none.
  if (sizeBytes > PART_SIZE_THRESHOLD_BYTES) {
    const found = await findCompleted(nar, sizeBytes, push, push.clock.now());
    if (found !== undefined && isSignedPath(found.upload.incoming)) {
      return { kind: "sent", upload: found.upload };
    }
  }
  const incoming = createIncomingPath(folderOf(nar, push.by), "signed");
  const put = await push.bucket.signPut(incoming, { sha256, sizeBytes, header });
  const upload = { nar, incoming, sizeBytes, uploadId: undefined };
  return { kind: "open", upload, put };
}
