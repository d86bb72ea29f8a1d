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

/** Failures that any request can meet: a wrong path or method, a bucket or a gateway in trouble. */
export const READ_FAILURES = {
  "not-found": { status: 404, message: "No such object in this cache." },
  "no-such-endpoint": { status: 404, message: "The API of this cache has no such path." },
  "host-unknown": {
    status: 421,
    message:
      "This cache does not answer to this host name. Its administrator can add the name to HOSTS.",
  },
  "bad-path": { status: 404, message: "This is not a path of a Nix binary cache." },
  "method-not-allowed": { status: 405, message: "This path does not accept this method." },
  "range-not-satisfiable": { status: 416, message: "The range lies outside the object." },
  "bucket-unavailable": {
    status: 503,
    message: "The bucket behind this cache is not available right now. Try again shortly.",
  },
  "bucket-cap-exceeded": {
    status: 503,
    message:
      "The bucket's daily cap is used up. It resets at 00:00 UTC. The operator can raise it under Caps & Alerts.",
  },
  misconfigured: {
    status: 500,
    message: "This cache is not configured correctly. The operator finds the reason in the log.",
  },
  internal: {
    status: 500,
    message: "The gateway failed. The operator finds the reason in the log.",
  },
} as const satisfies FailureTable;
