import type { FailureCode } from "../api/failures/failures.ts";

export interface CacheErrorOptions {
  /** What caused it; logged, never sent. */
  readonly cause?: unknown;
  /**
   * Ends the public sentence: a value of the client's own request that passed
   * a parser, or a constant of ours. Never anything the bucket said.
   */
  readonly subject?: string;
  /** Seconds after which a retry makes sense; sent as Retry-After. */
  readonly retryAfterSeconds?: number;
}

/** The one thing that is thrown on purpose. `detail` is for the log alone. */
export class CacheError extends Error {
  readonly code: FailureCode;
  readonly subject: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: FailureCode, detail: string, options: CacheErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = "CacheError";
    this.code = code;
    this.subject = options.subject;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
