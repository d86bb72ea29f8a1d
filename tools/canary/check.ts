import { describeError } from "../../src/client/client-error.ts";

/**
 * Where an expectation comes from. `B2`: it was seen on a real bucket of B2, or
 * Backblaze documents it. `HTTP` and `S3`: no server of either could do
 * otherwise. `Nargate`: this gateway's documents promise it or ask for it.
 */
type Basis = "B2" | "HTTP" | "S3" | "Nargate";

export interface Expectation {
  readonly basis: Basis;
  /** What is seen is as expected when it begins with these words. */
  readonly text: string;
}

/** One fact that the design leans on, and how to look. */
export interface Check<Subject> {
  readonly fact: string;
  /** Left out where nobody knows: what is seen is then only reported. */
  readonly expected?: Expectation;
  readonly observe: (subject: Subject) => Promise<string | Observation>;
}

export interface Observation {
  readonly seen: string;
  /** In place of the check's own, where it depends on the subject. */
  readonly expected?: Expectation;
  /** What a person can do about a difference. */
  readonly hint?: string;
}

export type Verdict = "ok" | "DIFFERS" | "unknown" | "skipped";

/** A line of the table. */
export interface Row {
  readonly fact: string;
  readonly expected: Expectation | undefined;
  readonly seen: string;
  readonly verdict: Verdict;
  readonly hint: string | undefined;
}

/** Thrown by a check that came to no observation: that is not a difference. */
export class NotSeen extends Error {
  readonly verdict: "unknown" | "skipped";
  readonly hint: string | undefined;

  constructor(reason: string, options: { verdict?: "unknown" | "skipped"; hint?: string } = {}) {
    super(reason);
    this.verdict = options.verdict ?? "unknown";
    this.hint = options.hint;
  }
}

export function known(basis: Basis, text: string): Expectation {
  return { basis, text };
}

/** Runs the checks one after another, until the signal comes. */
export async function runChecks<Subject>(
  checks: readonly Check<Subject>[],
  subject: Subject,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const check of checks) {
    const row = await runCheck(check, subject);
    // What a check reports while it is being stopped says nothing of the bucket.
    if (signal.aborted) break;
    rows.push(row);
  }
  return rows;
}

/** The rows of checks that are left out, and why. */
export function skipChecks(checks: readonly Check<never>[], reason: string): readonly Row[] {
  return checks.map(({ fact, expected }) => ({
    fact,
    expected,
    seen: reason,
    verdict: "skipped",
    hint: undefined,
  }));
}

async function runCheck<Subject>(check: Check<Subject>, subject: Subject): Promise<Row> {
  const { fact } = check;
  try {
    const observed = await check.observe(subject);
    const {
      seen,
      hint,
      expected = check.expected,
    } = typeof observed === "string" ? { seen: observed } : observed;
    if (expected === undefined) return { fact, expected, seen, verdict: "unknown", hint };
    const isMet = beginsWith(seen, expected.text);
    return {
      fact,
      expected,
      seen,
      verdict: isMet ? "ok" : "DIFFERS",
      hint: isMet ? undefined : hint,
    };
  } catch (error) {
    const { verdict, hint } = error instanceof NotSeen ? error : UNTRIED;
    return { fact, expected: check.expected, seen: describeError(error), verdict, hint };
  }
}

const UNTRIED = { verdict: "unknown", hint: undefined } as const;

/** By whole words: 404 does not begin with 40, nor max-age=100 with max-age=10. */
function beginsWith(text: string, beginning: string): boolean {
  return text.startsWith(beginning) && !/^[\w/]/.test(text.slice(beginning.length));
}
