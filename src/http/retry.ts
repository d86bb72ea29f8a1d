/** How long and how often a bucket request is tried again. */
export interface RetryPolicy {
  readonly attempts: number;
  /** All attempts and pauses together; a pause that would pass it is not begun. */
  readonly budgetMilliseconds: number;
  /** Until an answer's headers; where the answer is read here, until its end. */
  readonly timeoutMilliseconds: number;
}

/** Nix waits 300 s for an answer; people wait less. Bodies are sent within the timeout, so it is longer for them. */
export const READ_RETRIES: RetryPolicy = {
  attempts: 4,
  budgetMilliseconds: 15_000,
  timeoutMilliseconds: 10_000,
};
/** For an answer that is read whole before anyone gets it: a few kilobytes that stall come sooner if asked for again. */
export const SMALL_READ_RETRIES: RetryPolicy = { ...READ_RETRIES, timeoutMilliseconds: 5_000 };
export const WRITE_RETRIES: RetryPolicy = {
  attempts: 5,
  budgetMilliseconds: 60_000,
  timeoutMilliseconds: 45_000,
};
/**
 * For a completion or a copy of a NAR that is already in the bucket: S3 may take
 * minutes over one (docs.aws.amazon.com, CompleteMultipartUpload and CopyObject).
 */
export const LONG_RETRIES: RetryPolicy = {
  attempts: 4,
  budgetMilliseconds: 900_000,
  timeoutMilliseconds: 300_000,
};

const BASE_MILLISECONDS = 200;
const CAP_MILLISECONDS = 5_000;

/** 501 is final: B2 answers it to what it does not implement. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/**
 * The pause before attempt `attempt + 1`: full jitter under a doubling ceiling,
 * so that many waiters do not come back together; Retry-After is its floor.
 */
export function retryPauseMilliseconds(
  attempt: number,
  retryAfterSeconds: number | undefined,
  random: () => number,
): number {
  const ceiling = Math.min(CAP_MILLISECONDS, BASE_MILLISECONDS * 2 ** (attempt - 1));
  return (retryAfterSeconds ?? 0) * 1000 + random() * ceiling;
}

/** Seconds of a Retry-After header, which may be a number or an HTTP date. */
export function parseRetryAfter(header: string | null, now: Date): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,6}$/.test(header.trim())) return Number(header);
  const time = Date.parse(header);
  return Number.isNaN(time) ? undefined : Math.max(0, (time - now.getTime()) / 1000);
}
