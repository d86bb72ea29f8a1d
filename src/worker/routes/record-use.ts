import { hasScope } from "../../api/tokens.ts";
import type { UnsentUses } from "../gateway.ts";
import { catalogOf } from "./catalog-of.ts";
import type { Exchange } from "./exchange.ts";
import { detailOf } from "../log.ts";

/** How long reads are gathered for one call. `waitUntil` allows 30 s. */
export const GATHERING_MILLISECONDS = 10_000;

/** More reads in this time are not told: a path in use is asked for again. */
const MAX_UNSENT = 5000;

/**
 * Tells the catalog, beside the answer, of the paths and NARs that a pusher was told of, also
 * by the edge: the pusher relies on them. `serve/use-samples.ts` tells of what other readers
 * use. Never throws, and no answer waits for it (law 6).
 */
export function recordUse(exchange: Exchange, status: number): void {
  const { gateway, cache, key, token, request } = exchange;
  const { isOn, retention } = cache.catalog;
  if (!isOn || !retention.isCollecting || key === undefined || !cache.reads.ok) return;
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead || (status !== 200 && status !== 304)) return;
  if (token === undefined || !hasScope(token, "push")) return;
  const unsent = unsentOf(gateway.unsentUses, cache.reads.value.bucketId);
  if (unsent.paths.size + unsent.nars.size >= MAX_UNSENT) return;
  if (key.kind === "narinfo") unsent.paths.add(key.hash);
  else if (key.kind === "nar" && request.method === "HEAD") unsent.nars.add(key.path);
  else return;
  if (unsent.isWaiting) return;
  unsent.isWaiting = true;
  exchange.edgeContext.waitUntil(sendLater(unsent, exchange));
}

function unsentOf(all: Map<string, UnsentUses>, bucketId: string): UnsentUses {
  const unsent = all.get(bucketId) ?? { paths: new Set(), nars: new Set(), isWaiting: false };
  all.set(bucketId, unsent);
  return unsent;
}

async function sendLater(unsent: UnsentUses, exchange: Exchange): Promise<void> {
  const { clock, log } = exchange.gateway;
  try {
    await clock.sleep(GATHERING_MILLISECONDS);
  } finally {
    unsent.isWaiting = false;
  }
  const paths = [...unsent.paths];
  const nars = [...unsent.nars];
  unsent.paths.clear();
  unsent.nars.clear();
  try {
    await catalogOf(exchange)?.lease({ paths, nars });
  } catch (error) {
    const detail = detailOf(error);
    log("warn", "catalog-not-told", { paths: paths.length, nars: nars.length, detail });
  }
}
