import { MAX_SIGNED_BYTES, SIGNED_THRESHOLD_BYTES } from "../../api/direct-uploads.ts";
import { refusalOf } from "../gateway/cache-client.ts";
import { textBody } from "../gateway/http-client.ts";
import type { Transfer } from "../progress/transfer-model.ts";
import type { PackedNar } from "./pack-nar.ts";
import type { PushSession } from "./push-session.ts";
import { uploadInParts, type UploadEvents } from "./upload-parts.ts";
import { uploadSigned } from "./upload-signed.ts";

/**
 * Bytes. A NAR up to this size is sent without asking for it first: sending it takes about
 * as long as the question, and the gateway stores the same bytes under the same name.
 */
const SENT_UNASKED_BYTES = 64 * 1024;

/**
 * Stores a NAR in the bucket: by one PUT through the gateway, or straight to the bucket, in
 * one PUT if the bucket proves the bytes and else in parts. Sends nothing if the bucket has
 * the NAR, unless it is tiny. Resolves with the number of bytes that were sent.
 */
export async function uploadNar(
  nar: PackedNar,
  session: PushSession,
  transfer: Transfer,
): Promise<number> {
  const { api, http, limits, context } = session;
  const file = {
    fileHash: nar.fileHash,
    sizeBytes: nar.fileSize,
    extension: nar.key.extension,
  };
  const uploads = { api, http, partSlots: limits.parts, context };
  const events: UploadEvents = {
    onStart: (bytes) => transfer.sending(nar.fileSize, bytes),
    onSent: (bytes) => transfer.sent(bytes),
    onChecking: (bytes) => transfer.checking(bytes),
  };
  if (canBeSigned(nar) && (await session.signing.isPossible())) {
    const sent = await uploadSigned(file, nar.spool, uploads, events);
    if (sent !== "other-way") return sent;
    session.signing.failed();
  }
  if (nar.fileSize <= session.partThresholdBytes) return await putNar(nar, session, transfer);
  return await uploadInParts(file, nar.spool, uploads, events);
}

function canBeSigned({ fileSize }: PackedNar): boolean {
  return fileSize > SIGNED_THRESHOLD_BYTES && fileSize <= MAX_SIGNED_BYTES;
}

async function putNar(
  nar: PackedNar,
  { client }: PushSession,
  transfer: Transfer,
): Promise<number> {
  const target = nar.key.path;
  if (nar.fileSize > SENT_UNASKED_BYTES && (await isStored(nar, client))) return 0;
  transfer.sending(nar.fileSize, 0);
  await client.put(target, "application/x-nix-nar", nar.spool.slice(0, nar.fileSize), (bytes) =>
    transfer.sent(bytes),
  );
  return nar.fileSize;
}

/** Whether the bucket has the NAR, whole. */
async function isStored(nar: PackedNar, client: PushSession["client"]): Promise<boolean> {
  const target = nar.key.path;
  const found = await client.send({
    method: "HEAD",
    target,
    headers: { "accept-encoding": "identity" },
  });
  // A NAR of another size is cut or damaged: the bytes of this name have one length.
  const isWhole = Number(found.headers.get("content-length")) === nar.fileSize;
  if (found.status !== 404 && found.status !== 200) throw refusalOf(target, found);
  return found.status === 200 && isWhole;
}

/** Publishes a narinfo. If the path is published already, this adds the signatures. */
export async function putNarinfo(
  hash: string,
  text: string,
  { client }: Pick<PushSession, "client">,
): Promise<void> {
  await client.put(`${hash}.narinfo`, "text/x-nix-narinfo", textBody(text));
}

/** Uploads each NAR once, even if several paths have the same contents. */
export interface NarUploads {
  /** Same as `uploadNar`, but resolves with 0 if another path uploads the same NAR. */
  upload(nar: PackedNar, transfer: Transfer): Promise<number>;
}

export function createNarUploads(session: PushSession): NarUploads {
  const underWay = new Map<string, Promise<number>>();
  return {
    async upload(nar, transfer) {
      const other = underWay.get(nar.key.path);
      if (other !== undefined) {
        await other;
        return 0;
      }
      const upload = uploadNar(nar, session, transfer);
      underWay.set(nar.key.path, upload);
      return await upload;
    },
  };
}
