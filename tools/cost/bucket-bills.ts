import { findFlatPlan } from "../../src/prices/cloudfront-plans.ts";
import { GIB_PER_GB, PRICES } from "../../src/prices/price-list.ts";
import { type Bill, charge, createBill, type LineItem } from "./bill.ts";
import { readDemand, S3_PUSH, storedGb } from "./demand.ts";
import { formatQuantity } from "./format-prices.ts";
import type { Usage } from "./usage.ts";

const FREE_TRAFFIC_PER_STORED_GB = 3;
const SECONDS_PER_DAY = 86_400;
/**
 * Requests in a busy hour, compared with the average hour. A team works 8 hours of
 * 24, and its CI jobs start at the same time (assumed).
 */
const PEAK_FACTOR = 5;
/** The request rate of a new B2 account. Above it B2 answers 503. */
const B2_REQUESTS_PER_SECOND = 500;

/** Returns the bill of a public B2 bucket that clients read and push to directly. */
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

/**
 * Returns a note if `monthly` bucket requests exceed the request rate of B2 in a
 * busy hour, else no note.
 */
export function b2PeakNotes(monthly: number, { days }: Usage): readonly string[] {
  const peak = (monthly / (days * SECONDS_PER_DAY)) * PEAK_FACTOR;
  if (peak <= B2_REQUESTS_PER_SECOND) return [];
  const perSecond = formatQuantity(Math.ceil(peak));
  return [
    `${perSecond} bucket requests a second in a busy hour; B2 may refuse requests above ${B2_REQUESTS_PER_SECOND} a second`,
  ];
}

/**
 * Returns the bill of a public R2 bucket on a domain behind Cloudflare's cache,
 * without a worker. Clients push to it by `s3://`.
 */
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
    ["needs a Cache Rule that caches everything; without it, every read is a class B request"],
  );
}

/** Returns the bill of a public S3 bucket that clients read and push to directly. */
export function s3Bill(usage: Usage): Bill {
  const reads = readDemand(usage);
  return createBill([
    ...bucketItems(usage, reads.requests),
    charge("traffic", PRICES.s3Traffic, reads.gbToClients * GIB_PER_GB),
  ]);
}

/** Returns the bill of S3 behind CloudFront, pay as you go. Clients push directly to S3. */
export function cloudfrontBill(usage: Usage): Bill {
  const reads = readDemand(usage);
  return createBill([
    ...bucketItems(usage, reads.misses),
    charge("traffic", PRICES.s3ToCloudfront, reads.gbFromBucket * GIB_PER_GB),
    charge("requests", PRICES.cloudfrontRequests, reads.requests),
    charge("traffic", PRICES.cloudfrontTraffic, reads.gbToClients * GIB_PER_GB),
  ]);
}

/** Returns the bill of S3 behind CloudFront, on the cheapest flat-rate plan that covers the month. */
export function cloudfrontFlatBill(usage: Usage): Bill {
  const reads = readDemand(usage);
  const plan = findFlatPlan(reads.requests, reads.gbToClients * GIB_PER_GB);
  const items = [
    ...bucketItems(usage, reads.misses, plan?.s3CreditGib),
    charge("traffic", PRICES.s3ToCloudfront, reads.gbFromBucket * GIB_PER_GB),
  ];
  if (plan === undefined)
    return createBill(items, ["the month exceeds the largest CloudFront plan"]);
  const tiers = [{ upTo: Infinity, dollars: plan.dollars }] as const;
  const price = { ...PRICES.cloudfrontFlat, tiers };
  return createBill([charge("plan", price, 1, { what: `CloudFront ${plan.name}` }), ...items]);
}

function bucketItems(usage: Usage, gets: number, creditGib = 0): LineItem[] {
  return [
    charge("storage", PRICES.s3Storage, storedGb(usage) * GIB_PER_GB, { credit: creditGib }),
    charge("requests", PRICES.s3Put, usage.pushes * S3_PUSH.writes),
    charge("requests", PRICES.s3Get, gets + usage.pushes * S3_PUSH.reads),
  ];
}
