import { describe, expect, it } from "vitest";
import { median } from "../../bench/report/figure.ts";

describe("median", () => {
  it.each([
    { what: "one value", values: [3], expected: 3 },
    { what: "an odd number, unsorted", values: [9, 1, 5], expected: 5 },
    { what: "an even number", values: [4, 1, 3, 2], expected: 2.5 },
    { what: "numbers that sort otherwise as text", values: [10, 9, 100], expected: 10 },
  ])("is in the middle of $what", ({ values, expected }) => {
    expect(median(values)).toBe(expected);
  });

  it("leaves the order of its argument alone", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it("refuses to be the median of nothing", () => {
    expect(() => median([])).toThrow(RangeError);
  });
});
