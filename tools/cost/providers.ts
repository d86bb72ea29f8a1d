import type { Bill } from "./bill.ts";
import { b2Bill, cloudfrontBill, cloudfrontFlatBill, r2Bill, s3Bill } from "./bucket-bills.ts";
import { nargateBill } from "./nargate-bill.ts";
import type { Usage } from "./usage.ts";

/** A way to serve a cache: its description and its bill. */
export interface Provider {
  readonly what: string;
  readonly bill: (usage: Usage) => Bill;
}

/** The ways to serve a cache, by their names in the command. */
export const PROVIDERS = {
  "nargate-free": {
    what: "Nargate on Workers Free, EDGE=workers-cache",
    bill: (usage) => nargateBill(usage, "free", "workers-cache"),
  },
  "nargate-free-cache-api": {
    what: "Nargate on Workers Free, EDGE=cache-api",
    bill: (usage) => nargateBill(usage, "free", "cache-api"),
  },
  "nargate-paid": {
    what: "Nargate on Workers Paid, EDGE=workers-cache",
    bill: (usage) => nargateBill(usage, "paid", "workers-cache"),
  },
  "nargate-paid-cache-api": {
    what: "Nargate on Workers Paid, EDGE=cache-api",
    bill: (usage) => nargateBill(usage, "paid", "cache-api"),
  },
  r2: { what: "a public R2 bucket behind Cloudflare's cache", bill: r2Bill },
  s3: { what: "a public S3 bucket in us-east-1", bill: s3Bill },
  "s3-cloudfront": { what: "S3 behind CloudFront, pay as you go", bill: cloudfrontBill },
  "s3-cloudfront-flat": {
    what: "S3 behind CloudFront, on a flat-rate plan",
    bill: cloudfrontFlatBill,
  },
  "b2-public": { what: "a public B2 bucket without a cache in front", bill: b2Bill },
} as const satisfies Readonly<Record<string, Provider>>;

export type ProviderName = keyof typeof PROVIDERS;

export function isProviderName(name: string): name is ProviderName {
  return Object.hasOwn(PROVIDERS, name);
}
