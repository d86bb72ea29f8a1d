import type { CacheError } from "../../cache-error.ts";
import { type Completion, finishUpload, prepareCompletion } from "../../ingest/complete-upload.ts";
import type { DirectUpload } from "../../ingest/direct-upload.ts";
import type { Push } from "../../ingest/ingest.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { describeCause, failureBody, toFailure } from "../../failure-response.ts";
import type { Exchange } from "../exchange.ts";
import { levelOf } from "../log-request.ts";
import { openPush } from "../open-push.ts";
import { openHandle } from "./open-handle.ts";
import { createProgressLines, type ProgressLines } from "./progress-lines.ts";
import { readJson } from "./read-json.ts";

/**
 * POST `/api/v1/uploads/complete`: proves the bytes and stores the NAR. Reading
 * them back takes minutes for a large one, so the answer tells how far it is.
 */
export async function completeDirectUpload(exchange: Exchange): Promise<Response> {
  const push = await openPush(exchange);
  const upload = await openHandle(await readJson(exchange.request), push.by, exchange);
  const completion = await prepareCompletion(upload, push);
  const lines = createProgressLines();
  // A client that goes away does not stop it, as long as the platform lets it go on.
  exchange.edge.waitUntil(complete(upload, completion, push, lines, exchange));
  return new Response(lines.body, {
    headers: {
      "content-type": "application/x-ndjson",
      "cache-control": CACHE_CONTROL.never,
      "x-content-type-options": "nosniff",
    },
  });
}

/** Never throws: the status has been sent, so that what fails is the last line. */
async function complete(
  upload: DirectUpload,
  completion: Completion,
  push: Push,
  lines: ProgressLines,
  exchange: Exchange,
): Promise<void> {
  const { gateway, requestId } = exchange;
  const startedAt = gateway.now().getTime();
  const failure = await finishUpload(upload, completion, push, (progress) =>
    lines.report(
      progress.kind === "checking"
        ? { status: "checking", bytes: progress.bytes, size: upload.sizeBytes }
        : { status: "copying" },
    ),
  ).then(() => undefined, toFailure);
  logCompletion(upload, gateway.now().getTime() - startedAt, failure, exchange);
  await lines.end(failure === undefined ? { status: "stored" } : failureBody(failure, requestId));
}

function logCompletion(
  { nar, sizeBytes }: DirectUpload,
  milliseconds: number,
  failure: CacheError | undefined,
  { gateway, requestId, meter, token }: Exchange,
): void {
  const level = failure === undefined ? "info" : levelOf(failure.code);
  const { reads } = gateway.config;
  if (level === "info" && reads.ok && reads.value.logs === "faults") return;
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
