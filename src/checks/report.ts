import { type Finding, isFailure } from "./finding.ts";

/** All results of a run of checks. */
export interface Report {
  /** The thing that was checked, for a person. */
  readonly subject: string;
  readonly findings: readonly Finding[];
  /** Objects that the run wrote and could not delete: keys, and uploads as `key (upload id)`. */
  readonly leftovers?: readonly string[];
  readonly isInterrupted?: boolean;
  /** Further lines for a person. */
  readonly notes?: readonly string[];
}

/** Formats a report for a program. */
export function formatReportJson({ subject, findings, leftovers, isInterrupted }: Report): string {
  const checks = findings.map(({ check, verdict, says, expected, remedy }) => ({
    check,
    verdict,
    says,
    ...(expected === undefined ? {} : { expected: expected.text, knownFrom: expected.basis }),
    ...(remedy === undefined ? {} : { remedy }),
  }));
  const document = {
    subject,
    checks,
    ...(leftovers === undefined ? {} : { leftovers }),
    ...(isInterrupted === undefined ? {} : { interrupted: isInterrupted }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Returns 0 if nothing fails, 1 if a check fails or an object was left behind, 130 after Ctrl-C. */
export function exitCodeOf({ findings, leftovers = [], isInterrupted = false }: Report): number {
  if (isInterrupted) return 130;
  return leftovers.length > 0 || findings.some(isFailure) ? 1 : 0;
}
