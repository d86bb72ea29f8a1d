import { describe, expect, it } from "vitest";
import { charge, createBill, roundToCents } from "../../../tools/cost/bill.ts";
import { type Price, PRICES, type Tier } from "../../../src/prices/price-list.ts";

const REQUESTS = PRICES.workersRequests;

function tiered(...tiers: [Tier, ...Tier[]]): Price {
  return { ...PRICES.s3Traffic, tiers, included: 100 };
}

describe("charge", () => {
  it.each([
    { what: "nothing", quantity: 0, dollars: 0 },
    { what: "all of the allowance", quantity: 10_000_000, dollars: 0 },
    { what: "half a cent beyond it", quantity: 10_016_667, dollars: 0.01 },
    { what: "less than half a cent beyond it", quantity: 10_016_600, dollars: 0 },
    { what: "a million beyond it", quantity: 11_000_000, dollars: 0.3 },
  ])("bills $what", ({ quantity, dollars }) => {
    expect(charge("requests", REQUESTS, quantity)).toMatchObject({ quantity, dollars });
  });

  it.each([
    // (12 − 10) GB → 2 × $0.015
    { what: "whole units", price: PRICES.r2Storage, quantity: 12, dollars: 0.03 },
    // (10.1 − 10) GB counts as 1 × $0.015 = 1.5 cents
    { what: "a begun GB", price: PRICES.r2Storage, quantity: 10.1, dollars: 0.02 },
    { what: "a begun million", price: PRICES.r2ClassA, quantity: 1_000_001, dollars: 4.5 },
    { what: "nothing within the allowance", price: PRICES.r2ClassA, quantity: 999_999, dollars: 0 },
  ])("bills $what where parts are billed whole", ({ price, quantity, dollars }) => {
    expect(charge("storage", price, quantity).dollars).toBe(dollars);
  });

  it.each([
    { what: "the first tier", quantity: 150, dollars: 50 },
    { what: "the end of it", quantity: 200, dollars: 100 },
    // 100 × $1 + 100 × $0.50
    { what: "a part of the second", quantity: 300, dollars: 150 },
    // 100 × $1 + 200 × $0.50 + 700 × $0.10
    { what: "a part of the last", quantity: 1100, dollars: 270 },
  ])("bills $what, counted from where the allowance ends", ({ quantity, dollars }) => {
    const price = tiered(
      { upTo: 100, dollars: 1 },
      { upTo: 300, dollars: 0.5 },
      { upTo: Infinity, dollars: 0.1 },
    );
    expect(charge("traffic", price, quantity).dollars).toBe(dollars);
  });

  it.each([
    // 51,200 × $0.023 + 460,800 × $0.022 + 102,400 × $0.021
    { what: "S3 storage", price: PRICES.s3Storage, quantity: 614_400, dollars: 13_465.6 },
    // 10 TiB × $0.085, 40 × $0.08, 100 × $0.06, 350 × $0.04, 524 × $0.03, 4,096 × $0.025, 1,024 × $0.02
    // = 870.40 + 3,276.80 + 6,144 + 14,336 + 16,097.28 + 104,857.60 + 20,971.52
    {
      what: "CloudFront traffic",
      price: PRICES.cloudfrontTraffic,
      quantity: 1024 + 6144 * 1024,
      dollars: 166_553.6,
    },
    // 10 TiB × $0.09, 40 × $0.085, 100 × $0.07, 50 × $0.05 = 921.60 + 3,481.60 + 7,168 + 2,560
    {
      what: "S3 traffic",
      price: PRICES.s3Traffic,
      quantity: 100 + 200 * 1024,
      dollars: 14_131.2,
    },
  ])("goes through all tiers of $what", ({ price, quantity, dollars }) => {
    expect(charge("traffic", price, quantity).dollars).toBe(dollars);
  });

  it("agrees with a bill of Amazon's on where the first tier begins", () => {
    // github.com/arriven/db1000n/issues/153, of March 2022: 100 GB for $0.00,
    // 10,240 for $921.60, 40,960 for $3,481.60, 7,587.163 for $531.10.
    const gib = 100 + 10_240 + 40_960 + 7587.163;
    expect(charge("traffic", PRICES.s3Traffic, gib).dollars).toBe(4934.3);
  });

  it.each([
    { what: "all", credit: 500, dollars: 0 },
    // 100 × $1 and 200 × $0.50 without it; the first 50 × $1 are paid for
    { what: "a part of the first tier", credit: 50, dollars: 150 },
    { what: "more than the first tier", credit: 150, dollars: 75 },
    { what: "nothing", credit: 0, dollars: 200 },
  ])("lets a credit pay for $what, and the tiers where they are", ({ credit, dollars }) => {
    const price = tiered({ upTo: 100, dollars: 1 }, { upTo: Infinity, dollars: 0.5 });
    expect(charge("storage", price, 400, { credit })).toMatchObject({
      included: 100 + credit,
      dollars,
    });
  });

  it("takes an allowance that depends on something else", () => {
    expect(charge("traffic", PRICES.b2Traffic, 700, { included: 600 })).toMatchObject({
      included: 600,
      dollars: 1,
    });
  });
});

describe("roundToCents", () => {
  it.each([
    { dollars: 1.005, cents: 1.01 },
    { dollars: 14.865, cents: 14.87 },
    { dollars: 0.0049999, cents: 0 },
    { dollars: 0.005, cents: 0.01 },
    { dollars: 2.675, cents: 2.68 },
    // What long sums leave of half a cent: right to twelve digits, not to fifteen.
    { dollars: 1.00499999999995, cents: 1.01 },
    { dollars: 1.0049999999, cents: 1 },
  ])("rounds $dollars to $cents", ({ dollars, cents }) => {
    expect(roundToCents(dollars)).toBe(cents);
  });
});

describe("createBill", () => {
  const items = [0.1, 0.2, 0.3].map((dollars) => ({
    ...charge("plan", PRICES.workersPaid, 1),
    dollars,
  }));

  it("adds up the printed cents", () => {
    expect(createBill(items).totalDollars).toBe(0.6);
  });

  it("has no total where something stands in its way", () => {
    expect(createBill(items, ["too much"]).totalDollars).toBeUndefined();
  });
});
