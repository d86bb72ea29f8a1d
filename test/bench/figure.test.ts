import { describe, expect, it } from "vitest";
import { createFigure } from "../../bench/report/figure.ts";

const base = { name: "narinfo hit", unit: "requests/s" } as const;

describe("createFigure", () => {
  it("takes medians, and the ratio of what was measured side by side", () => {
    const values = [6, 60, 66];
    const comparison = { name: "one match", values: [10, 100, 110] };
    expect(createFigure({ ...base, values, comparison, target: "hitRate" })).toMatchObject({
      value: 60,
      comparedValue: 100,
      ratio: 0.6,
      verdict: "pass",
    });
  });

  it("compares what was measured side by side, not the two medians", () => {
    // The machine was ten times slower in the second and third round, for both.
    const comparison = { name: "one match", values: [50, 5, 6] };
    expect(createFigure({ ...base, values: [100, 10, 12], comparison })).toMatchObject({
      ratio: 2,
      spread: { lowest: 2, highest: 2, pairs: 3 },
    });
  });

  it("gives the lowest and the highest ratio of the pairs", () => {
    const comparison = { name: "one match", values: [100, 100, 100] };
    const { spread, samples } = createFigure({ ...base, values: [70, 50, 60], comparison });
    expect(spread).toEqual({ lowest: 0.5, highest: 0.7, pairs: 3 });
    expect(samples).toBe(3);
  });

  it.each([
    { what: "a single pair", values: [1], others: [2] },
    { what: "others that are no pairs", values: [1, 1], others: [2] },
    { what: "nothing to compare with", values: [1, 1], others: [] },
  ])("has no spread of $what", ({ values, others }) => {
    const comparison = { name: "one match", values: others };
    expect(createFigure({ ...base, values, comparison }).spread).toBeUndefined();
  });

  it.each([
    { what: "values", values: [1, 1, 2], target: "oneRequest" },
    { what: "ratios", values: [3, 3, 4], target: "sameRequests" },
  ] as const)("fails $what that must be exact and once were not", ({ values, target }) => {
    const comparison = { name: "read and send", values: [3, 3, 3] };
    expect(createFigure({ ...base, values, comparison, target }).verdict).toBe("fail");
  });

  it("passes what was exact each time", () => {
    const figure = createFigure({ ...base, values: [1, 1, 1], target: "oneRequest" });
    expect(figure.verdict).toBe("pass");
  });

  it("judges the ratio where the target is one", () => {
    const comparison = { name: "one match", values: [100] };
    const figure = createFigure({ ...base, values: [59], comparison, target: "hitRate" });
    expect(figure.verdict).toBe("fail");
  });

  it("judges the value where the target is one, whatever the comparison", () => {
    const comparison = { name: "its peak at 1 MB", values: [1] };
    const figure = createFigure({ ...base, values: [31], comparison, target: "downloadMemory" });
    expect(figure).toMatchObject({ ratio: 31, verdict: "pass" });
  });

  it("has no verdict without a target", () => {
    const comparison = { name: "nginx", values: [100] };
    expect(createFigure({ ...base, values: [1], comparison }).verdict).toBeUndefined();
  });

  it.each([
    { what: "nothing to compare with", values: [] },
    { what: "nothing but zeros", values: [0, 0] },
  ])("has no ratio where there is $what, and fails a target of one", ({ values }) => {
    const comparison = { name: "one match", values };
    const figure = createFigure({ ...base, values: [1, 1], comparison, target: "hitRate" });
    expect(figure).toMatchObject({ ratio: undefined, verdict: "fail" });
  });

  it("compares several values with a single one", () => {
    const comparison = { name: "objects", values: [200] };
    const figure = createFigure({ ...base, values: [200, 200], comparison });
    expect(figure.ratio).toBe(1);
  });
});
