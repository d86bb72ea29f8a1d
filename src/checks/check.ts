import type { Basis, Expectation, Finding } from "./finding.ts";

/** One fact to check, and how to observe it. */
export interface Check<Subject> {
  readonly check: string;
  /** Left out where nothing says what is right: the observation is then only reported. */
  readonly expected?: Expectation;
  /** Returns the observation. Throws `NotSeen` if it comes to none. */
  readonly observe: (subject: Subject) => Promise<string | Observation>;
}

export interface Observation {
  readonly says: string;
  /** Replaces the expectation of the check, where it depends on the subject. */
  readonly expected?: Expectation;
  /** The action that a person can take against a difference. */
  readonly remedy?: string;
}

/** A check came to no observation. That is no failure of its subject. */
export class NotSeen extends Error {
  readonly verdict: "unknown" | "skipped";
  readonly remedy: string | undefined;

  constructor(reason: string, options: { verdict?: "unknown" | "skipped"; remedy?: string } = {}) {
    super(reason);
    this.verdict = options.verdict ?? "unknown";
    this.remedy = options.remedy;
  }
}

export function known(basis: Basis, text: string): Expectation {
  return { basis, text };
}

/** Runs the checks one after another, until the signal comes. `describe` puts an error into words. */
export async function runChecks<Subject>(
  checks: readonly Check<Subject>[],
  subject: Subject,
  signal: AbortSignal,
  describe: (error: unknown) => string,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    const finding = await runCheck(check, subject, describe);
    // The result of a check that is being stopped says nothing about its subject.
    if (signal.aborted) break;
    findings.push(finding);
  }
  return findings;
}

/** Returns findings for checks that do not run, with the reason. */
export function skipChecks(checks: readonly Check<never>[], reason: string): readonly Finding[] {
  return checks.map(({ check, expected }) => ({
    check,
    verdict: "skipped",
    says: reason,
    expected,
  }));
}

async function runCheck<Subject>(
  { check, expected: usual, observe }: Check<Subject>,
  subject: Subject,
  describe: (error: unknown) => string,
): Promise<Finding> {
  try {
    const observed = await observe(subject);
    const observation = typeof observed === "string" ? { says: observed } : observed;
    const { says, remedy, expected = usual } = observation;
    if (expected === undefined) return { check, verdict: "unknown", says, remedy };
    return beginsWith(says, expected.text)
      ? { check, verdict: "ok", says, expected }
      : { check, verdict: "FAIL", says, expected, remedy };
  } catch (error) {
    const { verdict, remedy } = error instanceof NotSeen ? error : UNTRIED;
    return { check, verdict, says: describe(error), expected: usual, remedy };
  }
}

const UNTRIED = { verdict: "unknown", remedy: undefined } as const;

/** Compares whole words: 404 does not begin with 40, nor max-age=100 with max-age=10. */
function beginsWith(text: string, beginning: string): boolean {
  return text.startsWith(beginning) && !/^[\w/]/.test(text.slice(beginning.length));
}
