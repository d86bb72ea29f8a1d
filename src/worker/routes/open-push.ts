import type { Push } from "../ingest/ingest.ts";
import { admitWriter } from "./admit.ts";
import { type Exchange, openBucket, readConfig } from "./exchange.ts";

/** Lets in whoever may push, with all that it takes to. */
export async function openPush(exchange: Exchange): Promise<Push> {
  const { pool, edge, log } = exchange.gateway;
  const reads = readConfig(exchange.gateway);
  const { writes, by } = await admitWriter(exchange, "push");
  return { by, bucket: openBucket(exchange), edge, reads, writes, pool, log };
}
