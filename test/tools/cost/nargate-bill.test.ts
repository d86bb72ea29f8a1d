import { describe, expect, it } from "vitest";
import type { Bill } from "../../../tools/cost/bill.ts";
import { type EdgeMode, nargateBill, type WorkersPlan } from "../../../tools/cost/nargate-bill.ts";
import { MONTH, usageOf } from "./usage-of.ts";

function linesOf({ items }: Bill) {
  return Object.fromEntries(
    items.map(({ what, quantity, dollars }) => [
      what,
      [Math.round(quantity * 1000) / 1000, dollars],
    ]),
  );
}

describe("nargateBill on the paid plan", () => {
  it("counts the inner request of every read with workers-cache", () => {
    const bill = nargateBill(MONTH, "paid", "workers-cache");
    expect(linesOf(bill)).toEqual({
      "Workers Paid": [1, 5],
      // clients: 21,040,000 reads + 4 × 10,000 for pushes = 21,080,000
      // inner: 20 M + 1 M + 10,000 = 21,010,000; 32.09 M beyond 10 M × $0.30 = 9.627
      "Workers requests": [42_090_000, 9.63],
      // (21,080,000 + 9,100,000 misses + 10,000) × 1 ms + 10,000 × (10 × 2.7 + 2) ms
      // = 30,190,000 + 290,000; 0.48 M beyond 30 M × $0.02 = 0.0096
      "Workers CPU": [30_480_000, 0.01],
      // 30,190,000 × 3 KB; 40.57 beyond 50 × $0.25 = 10.1425
      "Workers Logs, ingested": [90.57, 10.14],
      // 90.57 × 7 / 30; 9.133 beyond 12 × $0.10
      "Workers Logs, stored": [21.133, 0.91],
      "Workers traffic to clients": [10_010, 0],
      // 990.1 × $0.00695 = 6.881195
      "B2 storage": [1000.1, 6.88],
      // 9,100,000 + 5 × 10,000
      "B2 GET, HEAD": [9_150_000, 0],
      // 10 MB are two parts: create, two parts, complete, the listing and the narinfo
      "B2 PUT, parts": [60_000, 0],
      "B2 traffic to Cloudflare": [1001, 0],
    });
    // 5 + 9.63 + 0.01 + 10.14 + 0.91 + 6.88
    expect(bill.totalDollars).toBe(32.57);
  });

  it("counts one request a read with cache-api, and no second run on a miss", () => {
    const bill = nargateBill(MONTH, "paid", "cache-api");
    expect(linesOf(bill)).toMatchObject({
      // 11.08 M beyond 10 M × $0.30 = 3.324
      "Workers requests": [21_080_000, 3.32],
      "Workers CPU": [21_370_000, 0],
      // 21,080,000 × 3 KB; 13.24 × $0.25
      "Workers Logs, ingested": [63.24, 3.31],
      // 14.756 GB-month; 2.756 × $0.10
      "Workers Logs, stored": [14.756, 0.28],
    });
    // 5 + 3.32 + 3.31 + 0.28 + 6.88
    expect(bill.totalDollars).toBe(18.79);
  });

  it("is $6.32 for README's team of ten, in both modes", () => {
    // 200 GB stored, 2 M lookups, 200,000 pulls: $5.00 and (200.05 − 10) × $0.00695 = 1.3208
    const team = usageOf({ paths: "50k", "nar-mb": "4", lookups: "2M", pulls: "200k" });
    for (const edge of ["workers-cache", "cache-api"] as const) {
      expect(nargateBill(team, "paid", edge).totalDollars).toBe(6.32);
    }
  });

  it("says how many requests the bucket sees once B2 begins to refuse them", () => {
    // 466 M a month / 2,592,000 s × 5 = 898.92 a second, and 3 M PUTs: 904.71
    const large = usageOf({ paths: "10M", lookups: "1G", pulls: "100M", pushes: "1M" });
    expect(nargateBill(large, "paid", "workers-cache").notes.join("\n")).toContain(
      "903 bucket requests a second",
    );
    expect(nargateBill(MONTH, "paid", "workers-cache").notes.join("\n")).not.toContain("a second");
  });
});

/** A month in which a thousand NARs of this size are pushed, and nothing else. */
function billOfPushes(narMb: string): Bill {
  const usage = usageOf({ paths: "0", "nar-mb": narMb, pushes: "1000", lookups: "0", pulls: "0" });
  return nargateBill(usage, "paid", "cache-api");
}

describe("nargateBill of NARs that go through the gateway", () => {
  it.each([
    // A PUT, the listing's and the narinfo's
    { what: "one PUT up to 8 MiB", narMb: "8.38", writes: 3000 },
    // Create, two parts, complete, the listing and the narinfo
    { what: "two parts above it", narMb: "8.39", writes: 6000 },
    { what: "two parts up to 16 MiB", narMb: "16.77", writes: 6000 },
  ])("counts $what", ({ narMb, writes }) => {
    expect(linesOf(billOfPushes(narMb))["B2 PUT, parts"]).toEqual([writes, 0]);
  });
});

describe("nargateBill of NARs that go past the gateway", () => {
  it("counts the upload's own requests, its proof and what that reads", () => {
    const bill = billOfPushes("100");
    expect(linesOf(bill)).toMatchObject({
      // start, complete, and a sixth of a request that publishes narinfos
      "Workers requests": [2166.667, 0],
      // 2.167 × 1 + 100 × 1 + 2 ms
      "Workers CPU": [104_166.667, 0],
      // 100 GB for a day
      "B2 storage": [3.333, 0],
      // 3 to start, 6 to complete, 4 for the narinfo
      "B2 GET, HEAD": [13_000, 0],
      // six parts of 16 MiB; create, complete, copy, delete; the listing; the narinfo
      "B2 PUT, parts": [12_000, 0],
      "B2 traffic to Cloudflare": [100, 0],
    });
    expect(bill.obstacles).toEqual([]);
    expect(bill.notes.join("\n")).toContain(
      "assumes that nargate push sends these NARs straight to B2",
    );
  });

  it("asks for the URLs of more than 100 parts in further requests", () => {
    // 2 GB are 120 parts, 3.4 GB are 203
    for (const [narMb, requests] of Object.entries({
      1600: 2166.667,
      2000: 3166.667,
      3400: 4166.667,
    })) {
      const bill = billOfPushes(narMb);
      expect(linesOf(bill)["Workers requests"]).toEqual([requests, 0]);
    }
  });

  it("copies what is larger than 5 GB in ranges of 1 GB", () => {
    // 299 parts of 16 MiB are 5,016,387,584 bytes. Beside the parts: create,
    // complete, delete, the listing, the narinfo, and one copy; above 5 GB create, six
    // ranges and complete instead.
    for (const [narMb, writes] of Object.entries({ 5000: 299 + 6, 5000.1: 299 + 5 + 8 })) {
      expect(linesOf(billOfPushes(narMb))["B2 PUT, parts"]).toEqual([writes * 1000, 0]);
    }
  });

  it("begins above 16 MiB", () => {
    expect(billOfPushes("16.77").notes).toHaveLength(1);
    expect(billOfPushes("16.78").notes).toHaveLength(2);
  });
});

describe("nargateBill on the free plan", () => {
  it("logs half a gigabyte a day", () => {
    const usage = usageOf({ lookups: "1M", pulls: "0", days: "22" });
    const { items } = nargateBill(usage, "free", "cache-api");
    expect(items.find(({ kind }) => kind === "logs")).toMatchObject({ included: 11, dollars: 0 });
  });

  it("bills storage alone", () => {
    // 15,000 × 2.001 MB = 30.015 GB; 20.015 × $0.00695 = 0.1391
    const bill = nargateBill(
      usageOf({ paths: "15k", "nar-mb": "2", pulls: "20k", pushes: "500" }),
      "free",
      "workers-cache",
    );
    expect(bill).toMatchObject({ obstacles: [], totalDollars: 0.14 });
  });

  const DAILY: Record<string, string> = { pushes: "0", clients: "0", pulls: "0" };
  it.each<{ what: string; plan: WorkersPlan; edge: EdgeMode; flags: object; obstacle?: string }>([
    {
      what: "50,000 reads a day",
      plan: "free",
      edge: "workers-cache",
      flags: { ...DAILY, lookups: "1.5M" },
    },
    {
      what: "one more with workers-cache",
      plan: "free",
      edge: "workers-cache",
      flags: { ...DAILY, lookups: "1500001" },
      obstacle: "100,001 requests a day (limit 100,000)",
    },
    {
      what: "100,000 reads a day with cache-api",
      plan: "free",
      edge: "cache-api",
      flags: { ...DAILY, lookups: "3M" },
    },
    {
      what: "the same reads on 22 days",
      plan: "free",
      edge: "cache-api",
      flags: { ...DAILY, lookups: "3M", days: "22" },
      obstacle: "136,364 requests a day (limit 100,000)",
    },
    {
      // 1 + 3.3 × 2.7 = 9.91 ms
      what: "pushes of 3.3 MB",
      plan: "free",
      edge: "cache-api",
      flags: { ...DAILY, pushes: "100", "nar-mb": "3.3" },
    },
    {
      // 1 + 3 × 3 ms, of 10
      what: "pushes that take all the CPU there is",
      plan: "free",
      edge: "cache-api",
      flags: { ...DAILY, pushes: "100", "nar-mb": "3", "cpu-upload": "3" },
    },
    {
      // 1 + 3.4 × 2.7 = 10.18 ms
      what: "pushes of 3.4 MB",
      plan: "free",
      edge: "cache-api",
      flags: { ...DAILY, pushes: "100", "nar-mb": "3.4" },
      obstacle: "10.18 ms of CPU to push a NAR (limit 10 ms)",
    },
    {
      what: "large NARs that nobody pushes through it",
      plan: "free",
      edge: "cache-api",
      flags: { ...DAILY, "nar-mb": "500" },
    },
    {
      // Proved for 1 ms a MB, but that is more than the free plan allows too.
      what: "pushes of 101 MB",
      plan: "free",
      edge: "cache-api",
      flags: { ...DAILY, pushes: "100", "nar-mb": "101" },
      obstacle: "102 ms of CPU to push a NAR (limit 10 ms)",
    },
  ])("knows whether it can serve $what", ({ plan, edge, flags, obstacle }) => {
    const bill = nargateBill(usageOf({ ...flags }), plan, edge);
    expect(bill.obstacles).toEqual(obstacle === undefined ? [] : [obstacle]);
    expect(bill.totalDollars === undefined).toBe(obstacle !== undefined);
  });
});
