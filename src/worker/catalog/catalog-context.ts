import type { Bucket } from "../bucket/bucket.ts";
import type { Log } from "../log.ts";
import type { Sql } from "./sql.ts";

/** Everything that a catalog works with. */
export interface CatalogContext {
  readonly sql: Sql;
  readonly bucket: Bucket;
  readonly storeDir: string;
  readonly log: Log;
  /** Milliseconds since 1970. The platform's clock stands still while code runs. */
  now(): number;
}

/** The amounts of one step. They are counts, because no clock can bound the CPU of a step. */
export interface StepLimits {
  /**
   * Requests to the bucket in one step. The free plan allows 50 subrequests in one
   * invocation; retries take the rest.
   */
  readonly requests: number;
  /** Workers wait for the headers of six answers at once; a seventh request queues. */
  readonly atOnce: number;
  /** Pages of 1,000 keys in one step that are compared without a read. 1 ms of CPU each. */
  readonly pages: number;
}

export const STEP_LIMITS: StepLimits = { requests: 36, atOnce: 6, pages: 5 };
