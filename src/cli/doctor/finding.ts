/** `warn` is for what works and should be otherwise; `FAIL` for what does not work. */
export type Verdict = "ok" | "warn" | "FAIL" | "skipped";

/** What one check came to. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** What was seen, in a few words. */
  readonly says: string;
  /** What a person can do about it. */
  readonly remedy?: string;
}

export function isFailure({ verdict }: Finding): boolean {
  return verdict === "FAIL";
}
