import type { SignedUploadAnswer, UploadProofAnswer } from "../../../api/answers.ts";
import { MAX_SIGNED_BYTES, startUploadSchema } from "../../../api/direct-uploads.ts";
import { CacheError } from "../../cache-error.ts";
import { beginSignedUpload } from "../../ingest/direct/begin-signed-upload.ts";
import { findPayloadCheck } from "../../ingest/direct/payload-check.ts";
import { sweepIncoming } from "../../ingest/direct/sweep-incoming.ts";
import { admitPush } from "../admit.ts";
import type { Exchange } from "../exchange.ts";
import { answerJson, readRequest } from "./api-request.ts";
import { giveHandle, parseNarKey } from "./start-direct-upload.ts";

/**
 * POST `/api/v1/uploads/proof`: says who proves the bytes of large NARs. If nobody has
 * found out within a week, it probes the bucket first, which takes some seconds.
 */
export async function readUploadProof(exchange: Exchange): Promise<Response> {
  const check = await findPayloadCheck(await admitPush(exchange));
  return answerJson<UploadProofAnswer>(
    check.kind === "checked"
      ? { provedBy: "bucket" }
      : {
          provedBy: "gateway",
          because:
            check.kind === "unchecked"
              ? check.because
              : "could not be probed, because it failed or another request probes it",
        },
  );
}

/** POST `/api/v1/uploads/signed`: signs one PUT with the bytes of a NAR, for a bucket that proves them. */
export async function startSignedUpload(exchange: Exchange): Promise<Response> {
  const push = await admitPush(exchange);
  const { fileHash, extension, size } = await readRequest(exchange.request, startUploadSchema);
  const nar = parseNarKey(fileHash, extension);
  exchange.key = nar;
  if (size > MAX_SIGNED_BYTES) {
    throw new CacheError("body-too-large", `${size} bytes`, {
      subject: `(${MAX_SIGNED_BYTES} bytes for one PUT; send larger NARs in parts).`,
    });
  }
  const check = await findPayloadCheck(push);
  if (check.kind !== "checked") throw new CacheError("payload-unchecked", check.kind);
  const begun = await beginSignedUpload(nar, size, check.header, push);
  exchange.edgeContext.waitUntil(sweepIncoming(push, push.clock.now()));
  if (begun.kind === "stored") return answerJson<SignedUploadAnswer>({ status: "stored" });
  const handle = await giveHandle(begun.upload, push);
  return answerJson<SignedUploadAnswer>(
    begun.kind === "sent"
      ? { status: "sent", ...handle }
      : { status: "open", ...handle, ...begun.put },
  );
}
