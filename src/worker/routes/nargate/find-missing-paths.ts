import { MAX_MISSING_BYTES, MISSING_BUDGET, missingSchema } from "../../../api/batches.ts";
import type { MissingAnswer } from "../../../api/answers.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { findMissing } from "../../ingest/batch/find-missing.ts";
import { contentLength, leaseForDocument } from "../../ingest/read-body.ts";
import { describeCause, toFailure } from "../../failure-response.ts";
import { admitPush } from "../admit.ts";
import { askCatalog } from "../ask-catalog.ts";
import { catalogOf } from "../catalog-of.ts";
import type { Exchange } from "../exchange.ts";
import { answerJson, readRequest } from "./api-request.ts";
import { detailOf } from "../../log.ts";

/** After this time the bucket is asked: a push must not wait for the catalog. */
const CATALOG_MILLISECONDS = 5_000;

/**
 * POST `/api/v1/missing`: says which narinfos the bucket does not have. Needs the scope
 * push, because it asks the catalog or the bucket and never the edge.
 */
export async function findMissingPaths(exchange: Exchange): Promise<Response> {
  const { request, meter } = exchange;
  const push = await admitPush(exchange);
  const lease = await leaseForDocument(contentLength(request), push);
  try {
    const { paths } = await readRequest(request, missingSchema, MAX_MISSING_BYTES);
    // The schema has checked the digits of each hash.
    const hashes = paths as StorePathHash[];
    const known = await askCatalogForMissing(hashes, exchange);
    const mayAsk = () => meter.requests < MISSING_BUDGET;
    const found =
      known === undefined
        ? await findMissing(hashes, push.bucket, mayAsk)
        : { missing: known, rest: [] };
    exchange.edgeContext.waitUntil(leasePresent(hashes, found, exchange));
    return answerJson<MissingAnswer>(found);
  } finally {
    lease.release();
  }
}

/**
 * Asks the catalog. `undefined` if CATALOG is off, or if the catalog fails, is late, or does
 * not know the whole bucket. A path that was written or removed past the gateway within the
 * last day is told wrongly: then a push sends a path that it need not, or leaves out one,
 * which `nargate push --repair` finds.
 */
async function askCatalogForMissing(
  hashes: readonly StorePathHash[],
  exchange: Exchange,
): Promise<readonly string[] | undefined> {
  if (!exchange.cache.catalog.isOn) return undefined;
  try {
    const unique = [...new Set(hashes)];
    const found = await askCatalog(
      exchange,
      (catalog) => catalog.findMissing(unique),
      CATALOG_MILLISECONDS,
    );
    return "missing" in found ? found.missing : undefined;
  } catch (error) {
    const { code, cause } = toFailure(error);
    exchange.gateway.log("warn", "catalog-not-asked", { fault: code, cause: describeCause(cause) });
    return undefined;
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
  try {
    await catalogOf(exchange)?.lease({ paths });
  } catch (error) {
    const detail = detailOf(error);
    exchange.gateway.log("warn", "catalog-not-told", { paths: paths.length, detail });
  }
}
