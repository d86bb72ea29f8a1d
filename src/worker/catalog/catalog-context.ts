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

/** A catalog that compares itself with the bucket. */
export interface ListingContext extends CatalogContext {
  /** Whether earlier steps failed so often that a narinfo which cannot be read is passed over. */
  readonly mayGiveUp: boolean;
  /** Until when clients may remember a path that vanished; see `forgetPaths`. */
  readonly goneUntil: number;
  /**
   * Whether only an entity tag proves that a narinfo is as a push has told. An equal length
   * does not: another push may have won.
   */
  readonly isStrict: boolean;
  /** Called for a narinfo that no push of this gateway has announced. */
  foundForeign(): void;
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
