import { type Bill, charge, createBill } from "./bill.ts";
import { readDemand, S3_PUSH, storedGb } from "./demand.ts";
import { PRICES } from "../../src/prices/prices.ts";
import type { Usage } from "./usage.ts";

/** A public R2 bucket on a domain behind Cloudflare's cache, pushed to by `s3://`: no worker at all. */
export function r2Bill(usage: Usage): Bill {
  const reads = readDemand(usage);
  return createBill(
    [
      charge("storage", PRICES.r2Storage, storedGb(usage)),
      charge("requests", PRICES.r2ClassA, usage.pushes * S3_PUSH.writes),
      charge("requests", PRICES.r2ClassB, reads.misses + usage.pushes * S3_PUSH.reads),
      charge("traffic", PRICES.r2Traffic, reads.gbToClients),
    ],
    [],
    ["needs a Cache Rule that caches everything; without one each read is a class B request"],
  );
}
