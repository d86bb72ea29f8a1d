import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sumDollars } from "../../../tools/cost/bill.ts";
import { PRICES } from "../../../src/prices/price-list.ts";
import { isProviderName, PROVIDERS, type ProviderName } from "../../../tools/cost/providers.ts";
import type { Usage } from "../../../tools/cost/usage.ts";
import { MONTH, usageOf } from "./usage-of.ts";

describe("the bills of others", () => {
  it.each<{ name: ProviderName; dollars: Record<string, number>; total: number }>([
    {
      name: "r2",
      dollars: {
        // 990.1 GB beyond 10 count as 991 × $0.015 = 14.865
        storage: 14.87,
        // 2 × 10,000, of 1 M
        "class A: PUT, LIST": 0,
        // 9,100,000 misses + 2 × 10,000, of 10 M
        "class B: GET, HEAD": 0,
        "traffic to clients": 0,
      },
      total: 14.87,
    },
    {
      name: "s3",
      dollars: {
        // 1,000.1 GB = 931.416 GiB × $0.023 = 21.4226
        "storage, us-east-1": 21.42,
        // 20,000 × $5 / M
        "PUT, LIST": 0.1,
        // 21,040,000 reads + 20,000 = 21.06 M × $0.40 = 8.424
        "GET, HEAD": 8.42,
        // 10,010 GB = 9,322.539 GiB; 9,222.539 × $0.09 = 830.0285
        "traffic to the internet": 830.03,
      },
      total: 859.97,
    },
    {
      name: "s3-cloudfront",
      dollars: {
        "storage, us-east-1": 21.42,
        "PUT, LIST": 0.1,
        // 9,100,000 misses + 20,000 = 9.12 M × $0.40 = 3.648
        "GET, HEAD": 3.65,
        "traffic from S3": 0,
        // 11.04 M beyond 10 M × $1
        "HTTPS requests, US": 11.04,
        // 9,322.539 − 1,024 = 8,298.539 GiB × $0.085 = 705.3758
        "traffic to clients, US and Europe": 705.38,
      },
      total: 741.59,
    },
    {
      name: "s3-cloudfront-flat",
      dollars: {
        // 21.04 M requests are more than Pro's 10 M, and 9,323 GiB are within 50 TiB
        "CloudFront Business": 200,
        // All 931.416 GiB are within its credit for 1 TiB
        "storage, us-east-1": 0,
        "PUT, LIST": 0.1,
        "GET, HEAD": 3.65,
        "traffic from S3": 0,
      },
      total: 203.75,
    },
    {
      name: "b2-public",
      dollars: {
        // 990.1 × $0.00695 = 6.8812
        storage: 6.88,
        requests: 0,
        // 3 × 1,000.1 GB are free; 7,009.7 × $0.01 = 70.097
        "traffic to clients": 70.1,
      },
      total: 76.98,
    },
  ])("come out as worked out by hand for $name", ({ name, dollars, total }) => {
    const { items, totalDollars } = PROVIDERS[name].bill(MONTH);
    expect(Object.fromEntries(items.map((item) => [item.what, item.dollars]))).toEqual(dollars);
    expect(totalDollars).toBe(total);
  });

  it.each([
    // 1.5 TB = 1,396.98 GiB each: × $0.023 = 32.1306, less what the plan pays for
    { what: "Free, 5 GiB", lookups: "1M", dollars: 32.02 },
    { what: "Pro, 50 GiB", lookups: "2M", dollars: 30.98 },
    { what: "Business, 1 TiB", lookups: "20M", dollars: 8.58 },
    { what: "Premium, 5 TiB", lookups: "200M", dollars: 0 },
    { what: "the largest Premium, 5 TiB", lookups: "5G", dollars: 0 },
  ])("have S3 storage paid for by the flat rate: $what", ({ lookups, dollars }) => {
    const usage = usageOf({ paths: "1.5M", "nar-mb": "0.999", lookups, pulls: "0", clients: "0" });
    expect(storageDollars("s3-cloudfront-flat", usage)).toBe(dollars);
    expect(storageDollars("s3-cloudfront", usage)).toBe(32.13);
  });

  it("find no flat rate for more than the largest plan", () => {
    const { bill } = PROVIDERS["s3-cloudfront-flat"];
    expect(bill(usageOf({ lookups: "5.8G", pulls: "100k" })).totalDollars).toBeGreaterThan(10_000);
    expect(bill(usageOf({ lookups: "6G", pulls: "100k" })).totalDollars).toBeUndefined();
  });
});

function storageDollars(name: ProviderName, usage: Usage): number {
  return sumDollars(PROVIDERS[name].bill(usage).items.filter(({ kind }) => kind === "storage"));
}

const counts = {
  paths: fc.nat({ max: 20_000_000 }),
  narMb: fc.double({ min: 0, max: 200, noNaN: true }),
  lookups: fc.nat({ max: 2_000_000_000 }),
  pulls: fc.nat({ max: 200_000_000 }),
  pushes: fc.nat({ max: 5_000_000 }),
  clients: fc.nat({ max: 10_000_000 }),
};
const shares = {
  absent: fc.double({ min: 0, max: 1, noNaN: true }),
  hitNarinfo: fc.double({ min: 0, max: 1, noNaN: true }),
  hitNar: fc.double({ min: 0, max: 1, noNaN: true }),
  hitAbsent: fc.double({ min: 0, max: 1, noNaN: true }),
};
const usages: fc.Arbitrary<Usage> = fc
  .record({ ...counts, ...shares })
  .map((usage) => ({ ...MONTH, ...usage }));

/** What cannot be had costs more than anything that can. */
function dollarsOf(name: ProviderName, usage: Usage): number {
  return PROVIDERS[name].bill(usage).totalDollars ?? Infinity;
}

const NAMES = Object.keys(PROVIDERS).filter(isProviderName);

describe.each(NAMES)("the bill of %s", (name) => {
  // B2's free traffic grows with what is stored, at a price above that of storage.
  const growing =
    name === "b2-public"
      ? (["lookups", "pulls", "pushes", "clients"] as const)
      : (["paths", "narMb", "lookups", "pulls", "pushes", "clients"] as const);

  it.each(growing)("never falls when %s grows", (key) => {
    fc.assert(
      fc.property(usages, counts[key], (usage, other) => {
        const [less, more] = [usage[key], other].toSorted((left, right) => left - right);
        expect(dollarsOf(name, { ...usage, [key]: less })).toBeLessThanOrEqual(
          dollarsOf(name, { ...usage, [key]: more }),
        );
      }),
    );
  });

  it.each(["hitNarinfo", "hitNar", "hitAbsent"] as const)("never grows with %s", (key) => {
    fc.assert(
      fc.property(usages, shares[key], (usage, other) => {
        const [less, more] = [usage[key], other].toSorted((left, right) => left - right);
        expect(dollarsOf(name, { ...usage, [key]: more })).toBeLessThanOrEqual(
          dollarsOf(name, { ...usage, [key]: less }),
        );
      }),
    );
  });

  it("is in whole cents", () => {
    fc.assert(
      fc.property(usages, (usage) => {
        const { items, totalDollars = 0 } = PROVIDERS[name].bill(usage);
        for (const dollars of [totalDollars, ...items.map((item) => item.dollars)]) {
          expect(dollars).toBe(Number(dollars.toFixed(2)));
        }
      }),
    );
  });
});

describe("the bill of b2-public", () => {
  it("falls when more is stored and the traffic was not free", () => {
    const usage = { paths: "1k", pulls: "10k", "nar-mb": "10", lookups: "0" };
    const more = usageOf({ ...usage, paths: "2k" });
    // 100 GB beyond 3 × 10 and 3 × 20 GB: 30 GB less × $0.01, for 10 GB more × $0.00695
    expect(dollarsOf("b2-public", usageOf(usage))).toBe(0.7);
    expect(dollarsOf("b2-public", more)).toBe(0.47);
  });
});

describe("the notes of others", () => {
  it("say what an R2 bucket needs", () => {
    expect(PROVIDERS.r2.bill(MONTH).notes).toEqual([
      "needs a Cache Rule that caches everything; without it, every read is a class B request",
    ]);
  });

  const BARE = { pulls: "0", pushes: "0", clients: "0" };
  it.each([
    // 259,200,000 / 2,592,000 s × 5 = 500
    { what: "500 requests a second", lookups: "259.2M", notes: [] },
    {
      what: "one request more",
      lookups: "259200001",
      notes: [
        "501 bucket requests a second in a busy hour; B2 may refuse requests above 500 a second",
      ],
    },
  ])("say whether B2 takes $what", ({ lookups, notes }) => {
    expect(PROVIDERS["b2-public"].bill(usageOf({ ...BARE, lookups })).notes).toEqual(notes);
    const misses = { absent: "0", "hit-narinfo": "0" };
    const gateway = PROVIDERS["nargate-paid"].bill(usageOf({ ...BARE, ...misses, lookups }));
    expect(gateway.notes.slice(1)).toEqual(notes);
  });
});

describe("PRICES", () => {
  it.each(Object.entries(PRICES))("says where %s is from, and as of when", (_, price) => {
    expect(price.source).toMatch(/^https:\/\/\S+$/);
    expect(price.asOf).toMatch(/\b2026\b/);
    expect(price.tiers.at(-1)?.upTo).toBe(Infinity);
  });
});
