import { describe, expect, it } from "vitest";
import { createFigure } from "../../bench/report/figure.ts";
import {
  formatNumber,
  formatSection,
  formatSummary,
  type Section,
} from "../../bench/report/format-report.ts";

const SECTION: Section = {
  benchmark: "requests",
  figures: [
    createFigure({
      name: "narinfo hit",
      unit: "requests/s",
      values: [5000],
      comparison: { name: "one match", values: [10_000] },
      target: "hitRate",
    }),
    createFigure({
      name: "hit",
      unit: "bucket requests",
      values: [0],
      comparison: { name: "what it must take", values: [] },
      target: "noRequest",
    }),
    createFigure({
      name: "hit",
      unit: "µs/request",
      values: [123.4],
      comparison: { name: "nginx", values: [5.678] },
    }),
  ],
  skipped: ["nix is not installed: pushes and pulls"],
};

describe("formatSection", () => {
  it("prints each figure against its comparison, with its target and verdict", () => {
    expect(formatSection(SECTION).split("\n")).toEqual([
      "## requests",
      "             measured  unit             compared with      its own  ratio  target",
      "narinfo hit      5000  requests/s       one match            10000   0.50  ratio ≥ 0.6  fail",
      "hit                 0  bucket requests  what it must take        –      –  value = 0    pass",
      "hit               123  µs/request       nginx                 5.68  21.73",
      "skipped: nix is not installed: pushes and pulls",
      "",
    ]);
  });
});

describe("formatSummary", () => {
  it("names what fell short and ends with the count, in which nothing skipped counts", () => {
    expect(formatSummary([SECTION]).split("\n")).toEqual([
      "failed: requests: narinfo hit: a hit reaches 0.6 of the requests a second of one cache match",
      "1 passed, 1 failed",
    ]);
  });
});

describe("formatNumber", () => {
  it.each([
    { value: 0, text: "0" },
    { value: 13, text: "13" },
    { value: 81_261.4, text: "81261" },
    { value: 100.4, text: "100" },
    { value: 12.34, text: "12.3" },
    { value: 1.234, text: "1.23" },
    { value: -2.5, text: "-2.50" },
  ])("prints $value as $text", ({ value, text }) => {
    expect(formatNumber(value)).toBe(text);
  });
});
