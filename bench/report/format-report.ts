import type { Figure } from "./figure.ts";
import { formatLimit, TARGETS } from "./targets.ts";

/** What one benchmark found. */
export interface Section {
  readonly benchmark: string;
  readonly figures: readonly Figure[];
  /** Comparisons that could not be made, and why. They count as neither passed nor failed. */
  readonly skipped: readonly string[];
}

const HEAD = ["", "measured", "unit", "compared with", "its own", "ratio", "target", ""];
const RIGHT_ALIGNED = new Set([1, 4, 5]);

export function formatSection({ benchmark, figures, skipped }: Section): string {
  const rows = [HEAD, ...figures.map(formatRow)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return RIGHT_ALIGNED.has(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
  const notes = skipped.map((what) => `skipped: ${what}`);
  return [`## ${benchmark}`, ...lines, ...notes, ""].join("\n");
}

function formatRow(figure: Figure): string[] {
  const { name, value, unit, comparedWith, comparedValue, ratio, target, verdict } = figure;
  return [
    name,
    formatNumber(value),
    unit,
    comparedWith,
    comparedValue === undefined ? "–" : formatNumber(comparedValue),
    ratio === undefined ? "–" : ratio.toFixed(2),
    target === undefined ? "" : `${TARGETS[target].of} ${formatLimit(TARGETS[target])}`,
    verdict ?? "",
  ];
}

/** Three digits that mean something; no more are true. Small whole numbers are counts and stay. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 100_000) return String(value);
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

export function tally(sections: readonly Section[]): Tally {
  const verdicts = sections.flatMap(({ figures }) => figures.map(({ verdict }) => verdict));
  return {
    passed: verdicts.filter((verdict) => verdict === "pass").length,
    failed: verdicts.filter((verdict) => verdict === "fail").length,
  };
}

/** The end of the report: what fell short, by name, and the count. */
export function formatSummary(sections: readonly Section[]): string {
  const { passed, failed } = tally(sections);
  const short = sections.flatMap(({ benchmark, figures }) =>
    figures.flatMap(({ name, target, verdict }) =>
      verdict === "fail" && target !== undefined
        ? [`failed: ${benchmark}: ${name}: ${TARGETS[target].what}`]
        : [],
    ),
  );
  return [...short, `${passed} passed, ${failed} failed`].join("\n");
}
