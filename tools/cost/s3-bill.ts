import { type Bill, charge, createBill, type LineItem } from "./bill.ts";
import { findFlatPlan } from "../../src/prices/cloudfront-plans.ts";
import { readDemand, S3_PUSH, storedGb } from "./demand.ts";
import { GIB_PER_GB, PRICES } from "../../src/prices/prices.ts";
import type { Usage } from "./usage.ts";

/** A public S3 bucket, read and pushed to as it is. */
export function s3Bill(usage: Usage): Bill {
  const reads = readDemand(usage);
  return createBill([
    ...bucketItems(usage, reads.requests),
    charge("traffic", PRICES.s3Traffic, reads.gbToClients * GIB_PER_GB),
  ]);
}

/** S3 behind CloudFront, paid by use; pushes go past it. */
export function cloudfrontBill(usage: Usage): Bill {
  const reads = readDemand(usage);
  return createBill([
    ...bucketItems(usage, reads.misses),
    charge("traffic", PRICES.s3ToCloudfront, reads.gbFromBucket * GIB_PER_GB),
    charge("requests", PRICES.cloudfrontRequests, reads.requests),
    charge("traffic", PRICES.cloudfrontTraffic, reads.gbToClients * GIB_PER_GB),
  ]);
}

/** S3 behind CloudFront at the cheapest flat rate that covers the month. */
export function cloudfrontFlatBill(usage: Usage): Bill {
  const reads = readDemand(usage);
  const plan = findFlatPlan(reads.requests, reads.gbToClients * GIB_PER_GB);
  const items = [
    ...bucketItems(usage, reads.misses, plan?.s3CreditGib),
    charge("traffic", PRICES.s3ToCloudfront, reads.gbFromBucket * GIB_PER_GB),
  ];
  if (plan === undefined) return createBill(items, ["more than the largest plan covers"]);
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
