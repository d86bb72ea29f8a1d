import type { Push } from "../ingest/push-context.ts";
import { admitWriter } from "./admit.ts";
import { cacheReads, type Exchange, openBucket } from "./exchange.ts";

/** Lets a pusher in, and returns everything that a push needs. */
export async function admitPush(exchange: Exchange): Promise<Push> {
  const { pool, memory, clock, log, openEdge } = exchange.gateway;
  const cache = cacheReads(exchange);
  const { rules, by } = await admitWriter(exchange, "push");
  const bucket = openBucket(exchange);
  return { by, cache, rules, bucket, edge: openEdge(cache), pool, memory, clock, log };
}
