import { type Finding, type Verdict, VERDICTS } from "./finding.ts";
import type { Report } from "./report.ts";

// The width of a terminal that has not been made larger.
const COLUMNS = 80;
const VERDICT_WIDTH = 9;
/** A longer name does not push the observations of the other checks to the right. */
const MAX_CHECK_WIDTH = 20;

const COLOURS: Readonly<Record<Verdict, string>> = {
  ok: "\u001B[32m",
  warn: "\u001B[33m",
  FAIL: "\u001B[31m",
  unknown: "\u001B[36m",
  skipped: "\u001B[2m",
};
const PLAIN = "\u001B[0m";

/**
 * Formats a report for a person, in 80 columns: a line for each check, what was
 * expected and what to do below it, and the counts.
 */
export function formatReport(report: Report, hasColours = false): string {
  const { subject, findings, isInterrupted = false, notes = [], leftovers = [] } = report;
  const width = Math.min(MAX_CHECK_WIDTH, Math.max(...findings.map(({ check }) => check.length)));
  return [
    ...wrap(subject, 0),
    "",
    ...findings.flatMap((finding, index) =>
      formatFinding(finding, width, hasColours, isSameRemedy(finding, findings[index + 1])),
    ),
    "",
    ...(isInterrupted ? ["Interrupted: checks that are not in this list did not run."] : []),
    `${formatCounts(findings)}.`,
    ...notes.flatMap((note) => wrap(note, 0)),
    ...(leftovers.length === 0
      ? []
      : ["COULD NOT DELETE these objects, which the checks wrote. Delete them by hand:"]),
    ...leftovers.map((leftover) => `  ${leftover}`),
    "",
  ].join("\n");
}

/** Writes a report while its checks run: each as it ends. */
export interface ReportWriter {
  begin(subject: string): void;
  add(finding: Finding): void;
  end(): void;
}

/** `checkWidth` is the width of the longest name of a check. */
export function createReportWriter(
  write: (text: string) => void,
  checkWidth: number,
  hasColours: boolean,
): ReportWriter {
  const findings: Finding[] = [];
  return {
    begin(subject) {
      write(`${wrap(subject, 0).join("\n")}\n\n`);
    },
    add(finding) {
      findings.push(finding);
      write(`${formatFinding(finding, checkWidth, hasColours, false).join("\n")}\n`);
    },
    end() {
      write(`\n${formatCounts(findings)}.\n`);
    },
  };
}

function formatFinding(
  { check, verdict, says, expected, remedy }: Finding,
  checkWidth: number,
  hasColours: boolean,
  isRemedyBelow: boolean,
): readonly string[] {
  const word = verdict.padEnd(VERDICT_WIDTH);
  const shown = hasColours ? `${COLOURS[verdict]}${word}${PLAIN}` : word;
  const besideName = VERDICT_WIDTH + checkWidth + 2;
  const belowName = VERDICT_WIDTH + 2;
  const [name = "", ...restOfName] = wrap(check, VERDICT_WIDTH);
  const [first = "", ...rest] = wrap(says, besideName);
  return [
    ...(check.length <= checkWidth
      ? [`${shown}${check.padEnd(checkWidth)}  ${first.slice(besideName)}`, ...rest]
      : [shown + name.slice(VERDICT_WIDTH), ...restOfName, ...wrap(says, belowName)]),
    ...(expected === undefined || verdict === "ok" || verdict === "skipped"
      ? []
      : wrap(`expected (${expected.basis}): ${expected.text}`, belowName)),
    ...(remedy === undefined || isRemedyBelow ? [] : wrap(`→ ${remedy}`, VERDICT_WIDTH, 2)),
  ];
}

/** Whether the next finding shows the same remedy, so that one line serves both. */
function isSameRemedy({ remedy }: Finding, next: Finding | undefined): boolean {
  return remedy !== undefined && remedy === next?.remedy;
}

/**
 * Breaks a text into lines of at most 80 columns, between words. A word that is
 * longer, such as a URL, stays whole. `hanging` indents the further lines more.
 */
function wrap(text: string, indent: number, hanging = 0): readonly string[] {
  const lines: string[] = [];
  let line = " ".repeat(indent);
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = " ".repeat(indent + hanging);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

function formatCounts(findings: readonly Finding[]): string {
  return VERDICTS.map(
    (verdict) =>
      [findings.filter((finding) => finding.verdict === verdict).length, verdict] as const,
  )
    .filter(([count, verdict]) => count > 0 || verdict === "FAIL")
    .map(([count, verdict]) => `${count} ${verdict}`)
    .join(", ");
}
