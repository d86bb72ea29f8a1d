import type { Figure, Spread } from "./figure.ts";
import { formatNumber } from "./format-number.ts";
import { type ComparisonTable, formatTable } from "./comparison-table.ts";
import { alignColumns } from "./align-columns.ts";
import { formatLimit, TARGETS } from "./targets.ts";

/** The results of one benchmark. */
export interface Section {
  readonly benchmark: string;
  readonly figures: readonly Figure[];
  /** The comparisons that were not made, and why. They count as neither passed nor failed. */
  readonly skipped: readonly string[];
  /** Tables that compare several subjects, without targets. */
  readonly tables?: readonly ComparisonTable[];
  /** Why the benchmark did not complete. It then counts as one failure. */
  readonly failure?: string;
}

/** The length of the run, and the machine it ran on. */
export interface BenchSetting {
  readonly isQuick: boolean;
  readonly machine: Readonly<Record<string, string | number>>;
}

/** Formats the first lines of the report. */
export function formatHeader({ isQuick, machine }: BenchSetting): string {
  const facts = Object.entries(machine).map(([name, fact]) => `${name} ${fact}`);
  const length = isQuick ? "--quick" : "at full length";
  return [`# Nargate, ${length}`, facts.join(", "), ""].join("\n");
}

const HEAD = ["", "measured", "unit", "compared with", "its value", "ratio", "pairs", "target", ""];
const RIGHT_ALIGNED = new Set([1, 4, 5]);

/** Formats the figures of a benchmark as a table, and its skipped comparisons below. */
export function formatSection(section: Section): string {
  const { benchmark, figures, skipped, failure, tables = [] } = section;
  const rows = figures.length === 0 ? [] : [HEAD, ...figures.map(formatRow)];
  const lines = alignColumns(rows, (column) => RIGHT_ALIGNED.has(column));
  lines.push(...tables.flatMap(formatTable));
  const notes = skipped.map((what) => `skipped: ${what}`);
  if (failure !== undefined) notes.push(`failed: ${failure}`);
  return [`## ${benchmark}`, ...lines, ...notes, ""].join("\n");
}

function formatRow(figure: Figure): string[] {
  const { name, value, unit, comparedWith, comparedValue, ratio, spread, target, verdict } = figure;
  return [
    name,
    formatNumber(value),
    unit,
    comparedWith ?? "",
    comparedValue === undefined ? "" : formatNumber(comparedValue),
    ratio === undefined ? "" : ratio.toFixed(2),
    spread === undefined ? "" : formatSpread(spread),
    target === undefined ? "" : `${TARGETS[target].of} ${formatLimit(TARGETS[target])}`,
    verdict ?? "",
  ];
}

/** Formats a spread, as in `0.48–0.66 of 9`: the lowest and the highest ratio of 9 pairs. */
function formatSpread({ lowest, highest, pairs }: Spread): string {
  return `${lowest.toFixed(2)}–${highest.toFixed(2)} of ${pairs}`;
}

/** The number of targets that were met, and that were missed. */
export interface VerdictCounts {
  readonly passed: number;
  readonly failed: number;
}

/** Counts the verdicts of all figures. A benchmark that did not complete counts as one failure. */
export function countVerdicts(sections: readonly Section[]): VerdictCounts {
  const verdicts = sections.flatMap(({ figures, failure }) => [
    ...figures.map(({ verdict }) => verdict),
    ...(failure === undefined ? [] : ["fail"]),
  ]);
  return {
    passed: verdicts.filter((verdict) => verdict === "pass").length,
    failed: verdicts.filter((verdict) => verdict === "fail").length,
  };
}

/** Returns 0 if no target was missed and no benchmark failed, else 1. */
export function exitCodeOf(sections: readonly Section[]): 0 | 1 {
  return countVerdicts(sections).failed === 0 ? 0 : 1;
}

/** Formats the end of the report: each missed target by name, and the counts. */
export function formatSummary(sections: readonly Section[]): string {
  const { passed, failed } = countVerdicts(sections);
  return [...sections.flatMap(shortfallsOf), `${passed} passed, ${failed} failed`].join("\n");
}

function shortfallsOf({ benchmark, figures, failure }: Section): string[] {
  const short = figures.flatMap(({ name, target, verdict }) =>
    verdict === "fail" && target !== undefined ? [`${name}: ${TARGETS[target].what}`] : [],
  );
  if (failure !== undefined) short.push(failure.split("\n")[0] ?? "");
  return short.map((what) => `failed: ${benchmark}: ${what}`);
}
