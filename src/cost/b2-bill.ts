import { type Bill, charge, createBill } from "./bill.ts";
import { DIRECT_PUSH, peakPerSecond, readDemand, storedGb } from "./demand.ts";
import { formatQuantity } from "./format-quantity.ts";
import { PRICES } from "./prices.ts";
import type { Usage } from "./usage.ts";

const FREE_TRAFFIC_PER_STORED_GB = 3;
const B2_REQUESTS_PER_SECOND = 500;

/** A public B2 bucket, read and pushed to as it is: nothing in front of it. */
export function b2Bill(usage: Usage): Bill {
  const reads = readDemand(usage);
  const gb = storedGb(usage);
  const requests = reads.requests + usage.pushes * (DIRECT_PUSH.reads + DIRECT_PUSH.writes);
  const peak = peakPerSecond(requests, usage);
  return createBill(
    [
      charge("storage", PRICES.b2Storage, gb),
      charge("requests", PRICES.b2Requests, requests),
      charge("traffic", PRICES.b2Traffic, reads.gbToClients, {
        what: "traffic to clients",
        included: gb * FREE_TRAFFIC_PER_STORED_GB,
      }),
    ],
    [],
    peak > B2_REQUESTS_PER_SECOND
      ? [
          `${formatQuantity(Math.ceil(peak))} requests a second in a busy hour; B2 begins to refuse at 500`,
        ]
      : [],
  );
}
