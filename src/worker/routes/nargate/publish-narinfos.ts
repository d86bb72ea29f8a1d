import type { PublishedLine } from "../../../api/answers.ts";
import {
  MAX_PUBLISH_BYTES,
  MAX_PUBLISH_LINES,
  NARINFOS_AT_ONCE,
  PROVED_NARINFOS_AT_ONCE,
  PUBLISH_BUDGET,
  publishLineSchema,
} from "../../../api/batches.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders } from "../../../http/response-headers.ts";
import { narinfoKey } from "../../../nix/object-key.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { describeCause, failureBody, toFailure } from "../../failure-response.ts";
import { type BatchEnd, type BatchLine, publishBatch } from "../../ingest/batch/publish-batch.ts";
import { PROOF_LIMITS } from "../../ingest/contents/prove-contents.ts";
import type { Push } from "../../ingest/push-context.ts";
import { contentLength, leaseForDocument } from "../../ingest/read-body.ts";
import { admitPush } from "../admit.ts";
import type { Exchange } from "../exchange.ts";
import { isLeftOut, levelOf } from "../log-request.ts";
import { malformed, readLines } from "./api-request.ts";
import { createProgressLines, type ProgressLines } from "./progress-lines.ts";

/**
 * POST `/api/v1/publish`: publishes narinfos. The answer has a line for each narinfo as
 * soon as it is durable, and at last the number of narinfos that the gateway took.
 */
export async function publishNarinfos(exchange: Exchange): Promise<Response> {
  const push = await admitPush(exchange);
  const lease = await leaseForDocument(contentLength(exchange.request), push);
  try {
    const batch = await readBatch(exchange.request, push);
    const lines = createProgressLines();
    const publishing: PublishedLine = { status: "publishing" };
    lines.report(publishing);
    // The batch goes on without the client, as long as the platform allows it.
    exchange.edgeContext.waitUntil(
      publish(batch, push, lines, exchange).finally(() => lease.release()),
    );
    return new Response(lines.body, {
      headers: answerHeaders("application/x-ndjson", CACHE_CONTROL.never),
    });
  } catch (error) {
    lease.release();
    throw error;
  }
}

async function readBatch(request: Request, { recorder }: Push): Promise<readonly BatchLine[]> {
  const lines = await readLines(request, publishLineSchema, {
    maxBytes: MAX_PUBLISH_BYTES,
    maxLines: MAX_PUBLISH_LINES,
  });
  if (new Set(lines.map(({ path }) => path)).size < lines.length) {
    throw malformed("a path is named twice");
  }
  for (const { path, buildSeconds } of lines) {
    if (buildSeconds !== undefined) recorder.built(path as StorePathHash, buildSeconds);
  }
  return lines.map(({ path, narinfo, listing, nar, upstreamReferences }) => ({
    // The schema has checked its digits, and those of the NAR.
    key: narinfoKey(path as StorePathHash),
    text: narinfo,
    listing,
    upstream: (upstreamReferences ?? []).map((hash) => hash as StorePathHash),
    nar: nar === undefined ? undefined : Uint8Array.fromBase64(nar),
  }));
}

/** Never throws: the status is already sent, so each failure becomes a line. */
async function publish(
  batch: readonly BatchLine[],
  push: Push,
  lines: ProgressLines,
  exchange: Exchange,
): Promise<void> {
  const { gateway, meter, requestId } = exchange;
  const outcomes: string[] = [];
  const isUnpacked = push.rules.prove === "contents";
  const limits = {
    narinfos: isUnpacked ? PROVED_NARINFOS_AT_ONCE : NARINFOS_AT_ONCE,
    narBytes: isUnpacked ? PROOF_LIMITS.bytes : Infinity,
    mayTake: () => meter.requests < PUBLISH_BUDGET,
  };
  const took = await publishBatch(batch, push, limits, (end) => {
    if ("failure" in end) logFailure(end.key.path, end.failure, exchange);
    else outcomes.push(`${end.key.hash} ${end.outcome}`);
    lines.add(toLine(end, exchange));
  });
  exchange.edgeContext.waitUntil(push.recorder.flush());
  // The line of the request is written when the answer begins, and names no path.
  if (!isLeftOut("info", exchange)) {
    const { requests: bucketRequests } = meter;
    const paths = outcomes.join(", ");
    gateway.log("info", "batch-published", { requestId, by: push.by, bucketRequests, paths });
  }
  const last: PublishedLine = { took };
  await lines.end(last);
}

function toLine(end: BatchEnd, { requestId }: Exchange): PublishedLine {
  const path = end.key.hash;
  if (!("failure" in end)) return { path, outcome: end.outcome };
  return { path, ...failureBody(toFailure(end.failure), requestId) };
}

function logFailure(path: string, failure: unknown, exchange: Exchange): void {
  const { code, message, cause } = toFailure(failure);
  const level = levelOf(code);
  if (isLeftOut(level, exchange)) return;
  const { gateway, requestId, token } = exchange;
  gateway.log(level, "narinfo-refused", {
    requestId,
    path,
    by: token?.name,
    fault: code,
    detail: message,
    cause: describeCause(cause),
  });
}
