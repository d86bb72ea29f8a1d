import { describe, expect, it } from "vitest";
import { charge, createBill } from "../../../tools/cost/bill.ts";
import { formatBill, formatSummary } from "../../../tools/cost/format-bill.ts";
import { PRICES } from "../../../src/prices/price-list.ts";

const FREE = charge("plan", PRICES.workersFree, 12, { included: 10 });
const EXCLUDED = createBill([FREE], ["too many requests", "too much CPU"], ["a note"]);

describe("formatBill", () => {
  it("says of a bill that cannot be had what stands in its way, and names no total", () => {
    expect(formatBill("some", EXCLUDED)).toBe(
      [
        "some",
        "Workers Free  12 requests  10 free  free         $0.00",
        "total                                     not possible",
        "  not possible: too many requests",
        "  not possible: too much CPU",
        "  a note",
        "",
      ].join("\n"),
    );
  });
});

describe("formatSummary", () => {
  it("says it in one line", () => {
    expect(formatSummary([["some", EXCLUDED]])).toBe(
      [
        "      plan  requests  logs  storage  traffic  a month",
        "some  not possible: too many requests; too much CPU",
        "",
      ].join("\n"),
    );
  });
});
