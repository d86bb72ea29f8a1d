import type { FailureTable } from "./read-failures.ts";

/**
 * Failures of the routes that ask the catalog. None of them stops a pull, and the sentences
 * say so: a person who reads one must not look for the fault there. Pushes that need the
 * catalog, with COLLECT=on, have a failure of their own.
 */
export const CATALOG_FAILURES = {
  "catalog-off": {
    status: 404,
    message: "This cache keeps no catalog. Its operator can turn it on with CATALOG=on.",
  },
  "catalog-unavailable": {
    status: 503,
    message: "The catalog does not answer right now. Pulls work without it. Try again shortly.",
  },
  "catalog-over-limit": {
    status: 503,
    message:
      "The catalog has used up what Cloudflare's free plan allows in a day. It goes on at 00:00 UTC. Pulls work without it, and so do pushes unless COLLECT is on.",
  },
  "catalog-incomplete": {
    status: 503,
    message:
      "The catalog does not know this path yet: the gateway still lists the bucket for the first time. Try again later.",
  },
  "path-not-in-catalog": {
    status: 404,
    message: "The catalog knows no such path, and no path that needs it.",
  },
  "query-malformed": { status: 400, message: "The query is malformed" },
} as const satisfies FailureTable;
