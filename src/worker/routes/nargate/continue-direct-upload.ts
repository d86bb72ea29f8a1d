import type { PartsAnswer, PartUrlsAnswer } from "../../../api/direct-upload-answers.ts";
import { signPartsSchema } from "../../../api/direct-uploads.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { CacheError } from "../../cache-error.ts";
import { type DirectUpload, listPresentParts } from "../../ingest/direct/direct-upload.ts";
import { abortUpload } from "../../ingest/direct/finish-upload.ts";
import { partCountOf } from "../../ingest/direct/part-plan.ts";
import type { Push } from "../../ingest/push-context.ts";
import { admitPush } from "../admit-push.ts";
import type { Exchange } from "../exchange.ts";
import { answerJson, malformed, openHandle, readRequest, readUpload } from "./api-request.ts";

/** POST `/api/v1/uploads/urls`: signs further part URLs. Asks the bucket nothing. */
export async function signUploadParts(exchange: Exchange): Promise<Response> {
  const push = await admitPush(exchange);
  const { handle, parts: numbers } = await readRequest(exchange.request, signPartsSchema);
  const upload = await openHandle(handle, push.by, exchange);
  const count = partCountOf(upload.sizeBytes);
  if (numbers.some((number) => number > count)) {
    throw malformed(`the numbers in parts go from 1 to ${count}`);
  }
  if (upload.uploadId === undefined) throw new CacheError("upload-gone", "it is completed");
  return answerJson<PartUrlsAnswer>(await signParts(upload, numbers, push));
}

const URL_SECONDS = 3600;

/** Signs URLs by which the parts `numbers` may be PUT for an hour. An upload that is complete needs none. */
export async function signParts(
  { incoming, uploadId }: DirectUpload,
  numbers: readonly number[],
  { bucket, clock }: Push,
): Promise<PartUrlsAnswer> {
  // The time is taken before the first signature, so that no URL ends before it.
  const urlsExpire = new Date(clock.now().getTime() + URL_SECONDS * 1000).toISOString();
  const urls: { number: number; url: string }[] = [];
  if (uploadId === undefined) return { urls, urlsExpire };
  const upload = bucket.openUpload(incoming, uploadId);
  for (const number of numbers) {
    urls.push({ number, url: await upload.signPart(number, URL_SECONDS) });
  }
  return { urls, urlsExpire };
}

/** POST `/api/v1/uploads/parts`: lists the parts that the bucket has. */
export async function listUploadParts(exchange: Exchange): Promise<Response> {
  const push = await admitPush(exchange);
  const upload = await readUpload(exchange, push.by);
  const parts = await listPresentParts(upload, push);
  if (parts === undefined) throw new CacheError("upload-gone", upload.nar.path);
  return answerJson<PartsAnswer>({
    parts: parts.map(({ number, sizeBytes }) => ({ number, size: sizeBytes })),
  });
}

/** POST `/api/v1/uploads/abort`: drops the upload. Answers 204 also if the upload is gone already. */
export async function abortDirectUpload(exchange: Exchange): Promise<Response> {
  const push = await admitPush(exchange);
  await abortUpload(await readUpload(exchange, push.by), push);
  return new Response(null, { status: 204, headers: { "cache-control": CACHE_CONTROL.never } });
}
