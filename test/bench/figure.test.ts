import { describe, expect, it } from "vitest";
import { createFigure } from "../../bench/report/figure.ts";

const base = { name: "narinfo hit", unit: "requests/s" } as const;

describe("createFigure", () => {
  it("takes medians, and the ratio of what was measured side by side", () => {
    const values = [60, 6, 66];
    const comparison = { name: "one match", values: [100, 10, 110] };
    expect(createFigure({ ...base, values, comparison, target: "hitRate" })).toMatchObject({
      value: 60,
      comparedValue: 100,
      ratio: 0.6,
      verdict: "pass",
    });
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
