import { describe, expect, it } from "vitest";
import { createFigure } from "../../bench/report/figure.ts";
import { formatNumber } from "../../bench/report/format-number.ts";
import {
  exitCodeOf,
  formatHeader,
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
      values: [5000, 6000, 4000],
      comparison: { name: "one match", values: [10_000, 10_000, 10_000] },
      target: "hitRate",
    }),
    createFigure({
      name: "hit",
      unit: "bucket requests",
      values: [0],
      target: "noRequest",
    }),
    createFigure({
      name: "hit",
      unit: "µs/request",
      values: [123.4],
      comparison: { name: "nginx", values: [5.678] },
    }),
  ],
  skipped: ["pushes and pulls, because nix is not installed"],
};

describe("formatSection", () => {
  it("prints each figure against its comparison, with its target and verdict", () => {
    expect(formatSection(SECTION).split("\n")).toEqual([
      "## requests",
      "             measured  unit             compared with  its value  ratio  pairs           target",
      "narinfo hit      5000  requests/s       one match          10000   0.50  0.40–0.60 of 3  ratio ≥ 0.6  fail",
      "hit                 0  bucket requests                                                   value = 0    pass",
      "hit               123  µs/request       nginx               5.68  21.73",
      "skipped: pushes and pulls, because nix is not installed",
      "",
    ]);
  });
});

const FAILED: Section = {
  benchmark: "uploads",
  figures: [],
  skipped: [],
  failure: "the bucket has ended\nat once",
};

describe("formatSection of a benchmark that failed", () => {
  it("says why", () => {
    expect(formatSection(FAILED).split("\n")).toEqual([
      "## uploads",
      "failed: the bucket has ended",
      "at once",
      "",
    ]);
  });
});

describe("formatHeader", () => {
  it("names what everything ran on", () => {
    const machine = { workerd: "2026-10-23", cores: 2 };
    expect(formatHeader({ isQuick: true, machine }).split("\n")).toEqual([
      "# Nargate, --quick",
      "workerd 2026-10-23, cores 2",
      "",
    ]);
  });
});

describe("exitCodeOf", () => {
  it("is 0 only if nothing fell short and nothing failed", () => {
    const passed: Section = { ...SECTION, figures: SECTION.figures.slice(1) };
    expect(exitCodeOf([passed])).toBe(0);
    expect(exitCodeOf([passed, SECTION])).toBe(1);
    expect(exitCodeOf([passed, FAILED])).toBe(1);
  });
});

describe("formatSummary", () => {
  it("counts a benchmark that failed, with the first line of why", () => {
    expect(formatSummary([FAILED]).split("\n")).toEqual([
      "failed: uploads: the bucket has ended",
      "0 passed, 1 failed",
    ]);
  });

  it("names what fell short and ends with the count, in which nothing skipped counts", () => {
    expect(formatSummary([SECTION]).split("\n")).toEqual([
      "failed: requests: narinfo hit: a hit reaches 0.6 times the requests a second of one cache match",
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
