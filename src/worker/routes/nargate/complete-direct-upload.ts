import type { CompletionLine } from "../../../api/answers.ts";
import type { CacheError } from "../../cache-error.ts";
import {
  cleanUp,
  type Completion,
  finishUpload,
  prepareCompletion,
  type UploadProgress,
} from "../../ingest/direct/finish-upload.ts";
import type { DirectUpload } from "../../ingest/direct/direct-upload.ts";
import { checkSample, isSampled } from "../../ingest/direct/sample-proof.ts";
import type { Push } from "../../ingest/push-context.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders } from "../../../http/response-headers.ts";
import { describeCause, failureBody, toFailure } from "../../failure-response.ts";
import type { Exchange } from "../exchange.ts";
import { admitPush } from "../admit.ts";
import { isLeftOut, levelOf } from "../log-request.ts";
import { readUpload } from "./api-request.ts";
import { createProgressLines, type ProgressLines } from "./progress-lines.ts";

/**
 * POST `/api/v1/uploads/complete`: proves the bytes and stores the NAR. Reading a
 * large NAR back takes minutes, so the answer reports the progress line by line.
 */
export async function completeDirectUpload(exchange: Exchange): Promise<Response> {
  const push = await admitPush(exchange);
  const upload = await readUpload(exchange, push.by);
  const completion = await prepareCompletion(upload, push);
  const lines = createProgressLines();
  // The completion goes on without the client, as long as the platform allows it.
  exchange.edgeContext.waitUntil(complete(upload, completion, push, lines, exchange));
  return new Response(lines.body, {
    headers: answerHeaders("application/x-ndjson", CACHE_CONTROL.never),
  });
}

/** Never throws: the status is already sent, so a failure becomes the last line. */
async function complete(
  upload: DirectUpload,
  completion: Completion,
  push: Push,
  lines: ProgressLines,
  exchange: Exchange,
): Promise<void> {
  const { gateway, requestId } = exchange;
  const startedAt = gateway.clock.now().getTime();
  const failure = await finishUpload(upload, completion, push, (progress) =>
    lines.report(toLine(progress, upload)),
  ).then(() => undefined, toFailure);
  const milliseconds = gateway.clock.now().getTime() - startedAt;
  const stored: CompletionLine = { status: "stored" };
  await lines.end(failure === undefined ? stored : failureBody(failure, requestId));
  if (failure === undefined) await cleanUp(upload, push);
  // Last, so that it counts all requests to the bucket.
  logCompletion(upload, milliseconds, failure, exchange);
  if (failure !== undefined || !isSampled(upload, push)) return;
  await checkSample(upload, push);
}

function toLine(progress: UploadProgress, { sizeBytes }: DirectUpload): CompletionLine {
  return progress.kind === "checking"
    ? { status: "checking", bytes: progress.bytes, size: sizeBytes }
    : { status: "copying" };
}

function logCompletion(
  { nar, sizeBytes }: DirectUpload,
  milliseconds: number,
  failure: CacheError | undefined,
  exchange: Exchange,
): void {
  const { gateway, requestId, meter, token } = exchange;
  const level = failure === undefined ? "info" : levelOf(failure.code);
  if (isLeftOut(level, exchange)) return;
  gateway.log(level, failure === undefined ? "upload-completed" : "upload-refused", {
    requestId,
    path: nar.path,
    bytes: sizeBytes,
    milliseconds,
    bucketRequests: meter.requests,
    by: token?.name,
    ...(failure === undefined
      ? {}
      : { fault: failure.code, detail: failure.message, cause: describeCause(failure.cause) }),
  });
}
