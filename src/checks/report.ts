import { type Finding, isFailure } from "./finding.ts";

/** All results of a run of checks. */
export interface Report {
  /** The thing that was checked, for a person. */
  readonly subject: string;
  readonly findings: readonly Finding[];
  /** Objects that the run wrote and could not delete: keys, and uploads as `key (upload id)`. */
  readonly leftovers?: readonly string[];
  /** What stays of the deleted objects. A text is the reason why it is not known. */
  readonly remains?: Remains | string;
  readonly isInterrupted?: boolean;
  /** Further lines for a person. */
  readonly notes?: readonly string[];
}

/** What a bucket with versions keeps of objects that were deleted. */
export interface Remains {
  /** Hidden versions, and the bytes in them. */
  readonly versions: number;
  readonly bytes: number;
  readonly deleteMarkers: number;
  /** Multipart uploads that are neither completed nor aborted. */
  readonly uploads: number;
}

/** Formats a report for a program. */
export function formatReportJson(report: Report): string {
  const { subject, findings, leftovers, remains, isInterrupted } = report;
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
    // null: the bucket does not tell.
    ...(remains === undefined ? {} : { remains: typeof remains === "string" ? null : remains }),
    ...(isInterrupted === undefined ? {} : { interrupted: isInterrupted }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Returns 0 if nothing fails, 1 if a check fails or an object was left behind, 130 after Ctrl-C. */
export function exitCodeOf({ findings, leftovers = [], isInterrupted = false }: Report): number {
  if (isInterrupted) return 130;
  return leftovers.length > 0 || findings.some(isFailure) ? 1 : 0;
}
