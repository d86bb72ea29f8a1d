import { describe, expect, it } from "vitest";
import { createTable, formatTable } from "../../bench/report/comparison-table.ts";
import { formatSection } from "../../bench/report/format-report.ts";

const TABLE = createTable(
  "seconds",
  ["nargate", "other"],
  [
    { task: "push", subject: "nargate", value: 5 },
    { task: "again", subject: "nargate", value: 0.25 },
    { task: "push", subject: "other", value: 276.4 },
    { task: "push", subject: "nargate", value: 4.5 },
    { task: "push", subject: "nargate", value: 9 },
  ],
);

describe("createTable", () => {
  it("keeps each repetition with its task and its subject", () => {
    expect(TABLE.rows).toEqual([
      { task: "push", repetitions: [[5, 4.5, 9], [276.4]] },
      { task: "again", repetitions: [[0.25], []] },
    ]);
  });
});

describe("formatTable", () => {
  it("prints the median with its range, one value alone, and a dash for none", () => {
    expect(formatTable(TABLE)).toEqual([
      "seconds",
      "          nargate  other",
      "push   5 (4.50–9)    276",
      "again        0.25      –",
      "",
    ]);
  });
});

describe("formatSection", () => {
  it("prints tables between the figures and the skipped comparisons", () => {
    const section = { benchmark: "peers", figures: [], skipped: ["attic"], tables: [TABLE] };
    const lines = formatSection(section).split("\n");
    expect([lines[0], lines[1], lines.at(-2)]).toEqual(["## peers", "seconds", "skipped: attic"]);
  });
});
