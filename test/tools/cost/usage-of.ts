import { parseUsage, type Usage } from "../../../tools/cost/usage.ts";
import { valueOf } from "../../../testkit/value-of.ts";

/** The month that these flags describe. */
export function usageOf(flags: Readonly<Record<string, string>> = {}): Usage {
  return valueOf(parseUsage(flags));
}

/**
 * A month in round numbers. What the tests' arithmetic starts from:
 *
 *   stored      100,000 × (10 MB + 1 KB)                       = 1,000.1 GB
 *   reads       20 M lookups + 1 M pulls + 40,000 clients      = 21,040,000
 *   misses      10 M × 0.1 + 10 M × 0.8 + 1 M × 0.1            = 9,100,000
 *   to clients  1 M × 10 MB + 10 M × 1 KB                      = 10,010 GB
 *   from bucket 0.1 M × 10 MB + 1 M × 1 KB                     = 1,001 GB
 */
export const MONTH = usageOf({
  paths: "100k",
  "nar-mb": "10",
  pulls: "1M",
  lookups: "20M",
  pushes: "10k",
  clients: "40k",
  absent: "0.5",
  "hit-narinfo": "0.9",
  "hit-nar": "0.9",
  "hit-absent": "0.2",
});
