import type { FailureCode } from "../api/failures/failures.ts";

export interface CacheErrorOptions {
  /** The cause; the log shows it, and no client sees it. */
  readonly cause?: unknown;
  /**
   * Ends the public sentence: a value of the client's own request that passed a
   * parser, or a constant of the gateway. Never anything that the bucket said.
   */
  readonly subject?: string;
  /** Seconds until a retry makes sense; sent as Retry-After. */
  readonly retryAfterSeconds?: number;
  /** The methods that the path accepts; sent as Allow with a 405. */
  readonly allowedMethods?: readonly string[];
  /** Bytes of the whole object; sent as Content-Range with a 416. */
  readonly sizeBytes?: number;
}

/** The only error that the worker throws on purpose. `detail` is for the log alone. */
export class CacheError extends Error {
  readonly code: FailureCode;
  readonly subject: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly allowedMethods: readonly string[] | undefined;
  readonly sizeBytes: number | undefined;

  constructor(code: FailureCode, detail: string, options: CacheErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = "CacheError";
    this.code = code;
    this.subject = options.subject;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.allowedMethods = options.allowedMethods;
    this.sizeBytes = options.sizeBytes;
  }
}
