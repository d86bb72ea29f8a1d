import { MAX_MISSING_BYTES, MISSING_BUDGET, missingSchema } from "../../../api/batches.ts";
import type { MissingAnswer } from "../../../api/answers.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { findMissing } from "../../ingest/batch/find-missing.ts";
import { contentLength, leaseForDocument } from "../../ingest/read-body.ts";
import { admitPush } from "../admit.ts";
import { catalogOf } from "../catalog-of.ts";
import type { Exchange } from "../exchange.ts";
import { tellOfUses } from "../record-use.ts";
import { answerJson, readRequest } from "./api-request.ts";

/**
 * POST `/api/v1/missing`: says which narinfos the bucket does not have. Needs the scope
 * push, because it asks the bucket and never the edge.
 */
export async function findMissingPaths(exchange: Exchange): Promise<Response> {
  const { request, meter } = exchange;
  const push = await admitPush(exchange);
  const lease = await leaseForDocument(contentLength(request), push);
  try {
    const { paths } = await readRequest(request, missingSchema, MAX_MISSING_BYTES);
    const mayAsk = () => meter.requests < MISSING_BUDGET;
    // The schema has checked the digits of each hash.
    const found = await findMissing(paths as StorePathHash[], push.bucket, mayAsk);
    exchange.edgeContext.waitUntil(leasePresent(paths as StorePathHash[], found, exchange));
    return answerJson<MissingAnswer>(found);
  } finally {
    lease.release();
  }
}

/** The pusher relies on the paths that it was not told are missing. Never throws. */
async function leasePresent(
  asked: readonly StorePathHash[],
  { missing, rest }: MissingAnswer,
  exchange: Exchange,
): Promise<void> {
  if (!exchange.cache.catalog.retention.isCollecting) return;
  const others = new Set<string>([...missing, ...rest]);
  const paths = asked.filter((hash) => !others.has(hash));
  if (paths.length === 0) return;
  await tellOfUses(catalogOf(exchange), exchange, { paths, nars: [] }).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    exchange.gateway.log("warn", "catalog-not-told", { paths: paths.length, detail });
  });
}
