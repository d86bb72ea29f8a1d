import type { Finding, Verdict } from "./finding.ts";

const VERDICTS: readonly Verdict[] = ["ok", "warn", "FAIL", "skipped"];

const COLOURS: Readonly<Record<Verdict, string>> = {
  ok: "\u001B[32m",
  warn: "\u001B[33m",
  FAIL: "\u001B[31m",
  skipped: "\u001B[2m",
};
const PLAIN = "\u001B[0m";
const VERDICT_WIDTH = 9;

/** A line a check, a remedy below it where it is needed, and the sum. */
export function formatFindings(
  url: string,
  findings: readonly Finding[],
  hasColours: boolean,
): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, verdict, says, remedy }) => {
    const word = verdict.padEnd(VERDICT_WIDTH);
    const shown = hasColours ? `${COLOURS[verdict]}${word}${PLAIN}` : word;
    return [
      `${shown}${check.padEnd(width)}  ${says}`,
      ...(remedy === undefined ? [] : [`${" ".repeat(VERDICT_WIDTH)}→ ${remedy}`]),
    ];
  });
  const counts = VERDICTS.map(
    (verdict) =>
      [findings.filter((finding) => finding.verdict === verdict).length, verdict] as const,
  )
    .filter(([count]) => count > 0)
    .map(([count, verdict]) => `${count} ${verdict}`);
  return `${[url, "", ...lines, "", `${counts.join(", ")}.`].join("\n")}\n`;
}

/** The same for a program. */
export function formatFindingsJson(url: string, findings: readonly Finding[]): string {
  return `${JSON.stringify({ url, checks: findings }, null, 2)}\n`;
}
