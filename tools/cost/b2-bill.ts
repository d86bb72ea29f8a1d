import { b2PeakNotes } from "./b2-peak-notes.ts";
import { type Bill, charge, createBill } from "./bill.ts";
import { readDemand, S3_PUSH, storedGb } from "./demand.ts";
import { PRICES } from "../../src/prices/prices.ts";
import type { Usage } from "./usage.ts";

const FREE_TRAFFIC_PER_STORED_GB = 3;

/** A public B2 bucket, read and pushed to as it is: nothing in front of it. */
export function b2Bill(usage: Usage): Bill {
  const reads = readDemand(usage);
  const gb = storedGb(usage);
  const requests = reads.requests + usage.pushes * (S3_PUSH.reads + S3_PUSH.writes);
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
    b2PeakNotes(requests, usage),
  );
}
