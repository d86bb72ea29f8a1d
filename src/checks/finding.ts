/**
 * The verdict of a check. `FAIL`: it does not work, or is not what it must be.
 * `warn`: it works and should be improved. `unknown`: nothing says what is right, or
 * the check came to no result. `skipped`: the check did not run.
 */
export const VERDICTS = ["ok", "warn", "FAIL", "unknown", "skipped"] as const;
export type Verdict = (typeof VERDICTS)[number];

/**
 * The source of an expectation. `B2`: it was seen on a real bucket of B2, or
 * Backblaze documents it. `HTTP` and `S3`: the protocol requires it. `Nargate`: the
 * documents of this gateway promise it or ask for it.
 */
export type Basis = "B2" | "HTTP" | "S3" | "Nargate";

export interface Expectation {
  readonly basis: Basis;
  /** An observation meets the expectation if it begins with these words. */
  readonly text: string;
}

/** The result of one check. */
export interface Finding {
  /** The name of the check. */
  readonly check: string;
  readonly verdict: Verdict;
  /** The observation, in a few words. */
  readonly says: string;
  /** The expectation, where the check has one. */
  readonly expected?: Expectation | undefined;
  /** The action that a person can take. */
  readonly remedy?: string | undefined;
}

export function isFailure({ verdict }: Finding): boolean {
  return verdict === "FAIL";
}
