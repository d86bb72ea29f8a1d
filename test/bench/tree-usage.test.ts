import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import {
  endedChildrenCpuSeconds,
  parseStat,
  treeCpuSeconds,
} from "../../bench/measure/tree-usage.ts";

describe("parseStat", () => {
  it("reads the fields behind a name with spaces and parentheses", () => {
    const text = "42 (a) b (c) S 7 42 42 0 -1 4194304 9 8 7 6 11 22 33 44 20 0 1 0 5 6 7";
    expect(parseStat(text)).toEqual({ parent: 7, ticks: 33, childrenTicks: 77 });
  });
});

describe.skipIf(process.platform !== "linux")("treeCpuSeconds", () => {
  it("counts programs that have ended, with those that they started", () => {
    const [tree, children] = [treeCpuSeconds([process.pid]), endedChildrenCpuSeconds()];
    const busy = "const end = Date.now() + 300; while (Date.now() < end);";
    const nested = `require("child_process").execFileSync(process.execPath, ["-e", ${JSON.stringify(busy)}])`;
    execFileSync(process.execPath, ["-e", nested]);
    expect(endedChildrenCpuSeconds() - children).toBeGreaterThan(0.1);
    expect(treeCpuSeconds([process.pid]) - tree).toBeGreaterThan(0.1);
  });

  it("takes a process that does not exist for one without CPU time", () => {
    expect(treeCpuSeconds([0x7f_ff_ff_ff])).toBe(0);
  });
});
