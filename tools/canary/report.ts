import type { Row, Verdict } from "./check.ts";

/** All that a run found out. */
export interface Report {
  /** What was looked at, for a person. */
  readonly subject: string;
  readonly rows: readonly Row[];
  /** What was written and could not be deleted: keys, and uploads as `key (upload id)`. */
  readonly leftovers: readonly string[];
  readonly isInterrupted: boolean;
  /** Further lines for a person. */
  readonly notes: readonly string[];
}

const HEADINGS = ["FACT", "EXPECTED", "KNOWN FROM", "SEEN", "VERDICT"];

/** The table for a person: a line a fact, hints below their lines, and the sum. */
export function formatReport(report: Report): string {
  const cells = report.rows.map(({ fact, expected, seen, verdict }) => [
    fact,
    expected?.text ?? (verdict === "skipped" ? "-" : "unknown"),
    expected?.basis ?? "-",
    seen,
    verdict,
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(...[heading, ...cells.map((row) => row[column] ?? "")].map((text) => text.length)),
  );
  const formatLine = (row: readonly string[]) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    report.subject,
    "",
    formatLine(HEADINGS),
    ...cells.flatMap((row, index) => {
      const hint = report.rows[index]?.hint;
      // One hint for all of several lines that need it.
      const isNew = hint !== undefined && hint !== report.rows[index + 1]?.hint;
      return [formatLine(row), ...(isNew ? [`    ↳ ${hint}`] : [])];
    }),
    "",
    ...(report.isInterrupted ? ["Interrupted: what is not in the table was not looked at."] : []),
    `${formatCounts(report.rows)}.`,
    ...report.notes,
    ...formatLeftovers(report.leftovers),
    "",
  ].join("\n");
}

/** The same for a program. */
export function formatReportJson({ subject, rows, leftovers, isInterrupted }: Report): string {
  const checks = rows.map(({ fact, expected, seen, verdict, hint }) => ({
    fact,
    expected: expected?.text ?? null,
    knownFrom: expected?.basis ?? null,
    seen,
    verdict,
    ...(hint === undefined ? {} : { hint }),
  }));
  return `${JSON.stringify({ subject, checks, leftovers, interrupted: isInterrupted }, null, 2)}\n`;
}

/** 0 when nothing differs, 1 when something does or was left behind, 130 after Ctrl-C. */
export function exitCodeOf({ rows, leftovers, isInterrupted }: Report): number {
  if (isInterrupted) return 130;
  return leftovers.length > 0 || rows.some(({ verdict }) => verdict === "DIFFERS") ? 1 : 0;
}

function formatCounts(rows: readonly Row[]): string {
  const verdicts: readonly Verdict[] = ["ok", "DIFFERS", "unknown", "skipped"];
  return verdicts
    .map((verdict) => [rows.filter((row) => row.verdict === verdict).length, verdict] as const)
    .filter(([count, verdict]) => count > 0 || verdict === "DIFFERS")
    .map(([count, verdict]) => `${count} ${verdict}`)
    .join(", ");
}

function formatLeftovers(leftovers: readonly string[]): readonly string[] {
  if (leftovers.length === 0) return [];
  return [
    "COULD NOT DELETE what it wrote; delete by hand:",
    ...leftovers.map((leftover) => `  ${leftover}`),
  ];
}
