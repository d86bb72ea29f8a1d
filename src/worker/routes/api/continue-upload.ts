import { CacheError } from "../../cache-error.ts";
import { abortUpload } from "../../ingest/complete-upload.ts";
import { listPresentParts } from "../../ingest/direct-upload.ts";
import { partCountOf } from "../../ingest/part-plan.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import type { Exchange } from "../exchange.ts";
import { openPush } from "../open-push.ts";
import { answerJson } from "./answer-json.ts";
import { openHandle } from "./open-handle.ts";
import { malformed, readCounts, readJson } from "./read-json.ts";
import { MAX_SIGNED_PARTS, signParts } from "./sign-parts.ts";

/** POST `/api/v1/uploads/urls`: signs the next part URLs, and asks the bucket nothing. */
export async function signUploadParts(exchange: Exchange): Promise<Response> {
  const push = await openPush(exchange);
  const fields = await readJson(exchange.request);
  const upload = await openHandle(fields, push.by, exchange);
  const numbers = readCounts(fields, "parts", MAX_SIGNED_PARTS);
  const count = partCountOf(upload.sizeBytes);
  if (numbers.some((number) => number > count)) throw malformed(`parts go from 1 to ${count}`);
  if (upload.uploadId === undefined) throw new CacheError("upload-gone", "it is completed");
  return answerJson(await signParts(upload, numbers, push, exchange));
}

/** POST `/api/v1/uploads/parts`: which parts the bucket has. */
export async function listUploadParts(exchange: Exchange): Promise<Response> {
  const push = await openPush(exchange);
  const upload = await openHandle(await readJson(exchange.request), push.by, exchange);
  const parts = await listPresentParts(upload, push);
  if (parts === undefined) throw new CacheError("upload-gone", upload.nar.path);
  return answerJson({
    parts: parts.map(({ number, sizeBytes }) => ({ number, size: sizeBytes })),
  });
}

/** POST `/api/v1/uploads/abort`: drops the upload. 204, also when it is gone already. */
export async function abortDirectUpload(exchange: Exchange): Promise<Response> {
  const push = await openPush(exchange);
  const upload = await openHandle(await readJson(exchange.request), push.by, exchange);
  await abortUpload(upload, push);
  return new Response(null, { status: 204, headers: { "cache-control": CACHE_CONTROL.never } });
}
