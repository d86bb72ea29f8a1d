import { formatUploadHandle, HANDLE_SECONDS } from "../../access/upload-handle.ts";
import { CacheError } from "../../cache-error.ts";
import type { DirectUpload } from "../../ingest/direct-upload.ts";
import { MAX_NAR_BYTES, PART_SIZE_THRESHOLD_BYTES } from "../../../api/direct-uploads.ts";
import { missingParts, partSizeOf } from "../../ingest/part-plan.ts";
import { startUpload } from "../../ingest/start-upload.ts";
import { sweepIncoming } from "../../ingest/sweep-incoming.ts";
import { type NarKey, parseNarUrl } from "../../../nix/object-key.ts";
import { type Exchange, readConfig } from "../exchange.ts";
import { openPush } from "../open-push.ts";
import { answerJson } from "./answer-json.ts";
import { type JsonFields, malformed, readCount, readJson, readString } from "./read-json.ts";
import { MAX_SIGNED_PARTS, signParts } from "./sign-parts.ts";

/** POST `/api/v1/uploads`: begins the upload of a NAR by parts, or finds where an earlier try stands. */
export async function startDirectUpload(exchange: Exchange): Promise<Response> {
  const push = await openPush(exchange);
  const fields = await readJson(exchange.request);
  const nar = readNarKey(fields);
  exchange.key = nar;
  const size = readSize(fields);

  const now = exchange.gateway.now();
  const started = await startUpload(nar, size, push, now);
  exchange.edge.waitUntil(sweepIncoming(push, now));
  if (started.kind === "stored") return answerJson({ status: "stored" });
  const { upload, parts } = started;
  const wanted = missingParts(parts, size).slice(0, MAX_SIGNED_PARTS);
  return answerJson({
    status: "open",
    ...(await giveHandle(upload, push.by, exchange)),
    size,
    partSize: partSizeOf(size),
    parts: parts.map(({ number, sizeBytes }) => ({ number, size: sizeBytes })),
    ...(await signParts(upload, wanted, push, exchange)),
  });
}

function readNarKey(fields: JsonFields): NarKey {
  const fileHash = readString(fields, "fileHash");
  const extension = readString(fields, "extension");
  if (!/^[0-9a-z]{52}$/.test(fileHash)) throw malformed("fileHash is not 52 digits of nix32");
  const nar = parseNarUrl(`nar/${fileHash}.nar${extension}`);
  if (!nar.ok || nar.value.fileHash === undefined || !nar.value.writable) {
    throw malformed("fileHash is not a SHA-256 in nix32, or extension is none that Nix writes");
  }
  return nar.value;
}

function readSize(fields: JsonFields): number {
  const size = readCount(fields, "size");
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
  return size;
}

async function giveHandle(upload: DirectUpload, by: string, { gateway }: Exchange) {
  const expires = new Date(gateway.now().getTime() + HANDLE_SECONDS * 1000);
  const { nar, incoming, sizeBytes, uploadId } = upload;
  const handle = await formatUploadHandle(
    { nar: nar.path, incoming, sizeBytes, uploadId, tokenName: by, expires },
    readConfig(gateway).bucket.applicationKey,
  );
  return { handle, handleExpires: expires.toISOString() };
}
