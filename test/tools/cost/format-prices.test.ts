import { describe, expect, it } from "vitest";
import { FLAT_PLANS } from "../../../src/prices/cloudfront-plans.ts";
import { formatFlatPlans, formatPrices, formatRate } from "../../../tools/cost/format-prices.ts";
import { PRICES } from "../../../src/prices/price-list.ts";

describe("formatRate", () => {
  it.each([
    { price: PRICES.traffic, rate: "free" },
    { price: PRICES.workersRequests, rate: "$0.30 a million" },
    { price: PRICES.b2Storage, rate: "$0.00695 a GB-month" },
    { price: PRICES.s3Storage, rate: "$0.023 to $0.021 a GiB-month" },
  ])("prints $rate", ({ price, rate }) => {
    expect(formatRate(price)).toBe(rate);
  });
});

describe("formatPrices", () => {
  it("prints every tier", () => {
    expect(formatPrices([PRICES.s3Storage])).toContain(
      "| $0.023 a GiB-month up to 51,200, $0.022 up to 512,000, $0.021 beyond |",
    );
  });

  it("prints a price of one tier as a bill does", () => {
    expect(formatPrices([PRICES.workersCpu])).toContain("| $0.02 a million | 30,000,000 ms |");
  });
});

describe("formatFlatPlans", () => {
  it("prints what each plan covers", () => {
    expect(formatFlatPlans(FLAT_PLANS.slice(0, 2))).toBe(
      [
        "| CloudFront's flat-rate plan | Price a month | Requests | Traffic | S3 Standard storage |",
        "| --- | --- | --- | --- | --- |",
        "| Free | $0.00 | 1,000,000 | 100 GiB | 5 GiB |",
        "| Pro | $15.00 | 10,000,000 | 51,200 GiB | 50 GiB |",
        "",
      ].join("\n"),
    );
  });
});
