import {
  MAX_NAR_BYTES,
  MAX_PART_URLS,
  PART_SIZE_THRESHOLD_BYTES,
  startUploadSchema,
} from "../../../api/direct-uploads.ts";
import type { UploadStartedAnswer } from "../../../api/answers.ts";
import { type NarKey, parseNarUrl } from "../../../nix/object-key.ts";
import { formatUploadHandle, HANDLE_SECONDS } from "../../access/upload-handle.ts";
import { CacheError } from "../../cache-error.ts";
import { beginUpload } from "../../ingest/direct/begin-upload.ts";
import type { DirectUpload } from "../../ingest/direct/direct-upload.ts";
import { missingParts, partSizeOf } from "../../ingest/direct/part-plan.ts";
import { sweepIncoming } from "../../ingest/direct/sweep-incoming.ts";
import type { Push } from "../../ingest/push-context.ts";
import { admitPush } from "../admit.ts";
import type { Exchange } from "../exchange.ts";
import { answerJson, malformed, readRequest } from "./api-request.ts";
import { signParts } from "./continue-direct-upload.ts";

/** POST `/api/v1/uploads`: begins the upload of a NAR in parts, or finds the state of an earlier try. */
export async function startDirectUpload(exchange: Exchange): Promise<Response> {
  const push = await admitPush(exchange);
  const { fileHash, extension, size } = await readRequest(exchange.request, startUploadSchema);
  const nar = parseNarKey(fileHash, extension);
  exchange.key = nar;
  requireFittingSize(size);

  const now = push.clock.now();
  const begun = await beginUpload(nar, size, push, now);
  exchange.edgeContext.waitUntil(sweepIncoming(push, now));
  if (begun.kind === "stored") return answerJson<UploadStartedAnswer>({ status: "stored" });
  const { upload, parts } = begun;
  const wanted = missingParts(parts, size).slice(0, MAX_PART_URLS);
  return answerJson<UploadStartedAnswer>({
    status: "open",
    ...(await giveHandle(upload, push)),
    size,
    partSize: partSizeOf(size),
    parts: parts.map(({ number, sizeBytes }) => ({ number, size: sizeBytes })),
    ...(await signParts(upload, wanted, push)),
  });
}

export function parseNarKey(fileHash: string, extension: string): NarKey {
  const nar = parseNarUrl(`nar/${fileHash}.nar${extension}`);
  if (!nar.ok || nar.value.fileHash === undefined || !nar.value.writable) {
    throw malformed("fileHash is not a SHA-256 in nix32, or extension is not one that Nix writes");
  }
  return nar.value;
}

function requireFittingSize(size: number): void {
  if (size <= PART_SIZE_THRESHOLD_BYTES) {
    throw new CacheError("upload-too-small", `${size} bytes`, {
      subject: `${PART_SIZE_THRESHOLD_BYTES} bytes.`,
    });
  }
  if (size > MAX_NAR_BYTES) {
    throw new CacheError("body-too-large", `${size} bytes`, {
      subject: `(${MAX_NAR_BYTES} bytes).`,
    });
  }
}

export async function giveHandle(upload: DirectUpload, { by, cache, clock }: Push) {
  const expires = new Date(clock.now().getTime() + HANDLE_SECONDS * 1000);
  const { nar, incoming, sizeBytes, uploadId } = upload;
  const handle = await formatUploadHandle(
    { nar: nar.path, incoming, sizeBytes, uploadId, tokenName: by, expires },
    cache.bucket.applicationKey,
  );
  return { handle, handleExpires: expires.toISOString() };
}
