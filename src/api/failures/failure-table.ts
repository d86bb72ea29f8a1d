/**
 * Failures by code, each with its status and the sentence that a person reads.
 *
 * Nix prints the sentence to the person who pushes, so the sentence says what to
 * do. A message without a final full stop is continued by the `subject` of a
 * `CacheError`. The gateway logs detail and cause, and never sends them (law 9).
 *
 * Each status is chosen for Nix's reaction to it: 404 means "not in this cache",
 * 403 on a read is silently taken for the same, and Nix retries every 5xx but 501.
 */
export type FailureTable = Readonly<
  Record<string, { readonly status: number; readonly message: string }>
>;
