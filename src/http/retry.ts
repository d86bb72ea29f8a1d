/** How often and for how long the client tries one bucket request. */
export interface RetryPolicy {
  /** The number of attempts, the first one included. */
  readonly attempts: number;
  /**
   * The time limit of all attempts and pauses together. The client does not begin
   * a pause that would end after this limit.
   */
  readonly budgetMilliseconds: number;
  /**
   * The time limit of one attempt, until the answer's headers. If the client
   * itself reads the answer's body, the limit is for the body too.
   */
  readonly timeoutMilliseconds: number;
}

/** For reads. Nix waits 300 s for an answer; people wait less. */
export const READ_RETRIES: RetryPolicy = {
  attempts: 4,
  budgetMilliseconds: 15_000,
  timeoutMilliseconds: 10_000,
};
/**
 * For an answer of a few kilobytes that the gateway reads whole before it answers
 * the client. If such an answer stalls, a new request is faster than waiting.
 */
export const SMALL_READ_RETRIES: RetryPolicy = { ...READ_RETRIES, timeoutMilliseconds: 5_000 };
/** For writes. The timeout includes the time to send the body, so it is longer than for reads. */
export const WRITE_RETRIES: RetryPolicy = {
  attempts: 5,
  budgetMilliseconds: 60_000,
  timeoutMilliseconds: 45_000,
};
/** For a write that must not be repeated without a new look at what is there. */
export const SINGLE_WRITE: RetryPolicy = { ...WRITE_RETRIES, attempts: 1 };
/**
 * For the completion of an upload, and for the copy of a NAR that is already in
 * the bucket. S3 may need minutes for each of them (docs.aws.amazon.com,
 * CompleteMultipartUpload and CopyObject).
 */
export const LONG_RETRIES: RetryPolicy = {
  attempts: 4,
  budgetMilliseconds: 900_000,
  timeoutMilliseconds: 300_000,
};

const BASE_MILLISECONDS = 200;
const CAP_MILLISECONDS = 5_000;

/**
 * Whether the same request may succeed later: 408, 429, and 5xx except 501 and
 * 505. B2 answers 501 to a request that it does not implement.
 */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/**
 * Returns the pause between attempt `attempt` and the next one, in milliseconds.
 * The pause is a random time below a ceiling that doubles with each attempt, so
 * that many waiting requests do not come back at the same moment. The seconds of
 * a Retry-After header are added to it.
 */
export function retryPauseMilliseconds(
  attempt: number,
  retryAfterSeconds: number | undefined,
  random: () => number,
): number {
  const ceiling = Math.min(CAP_MILLISECONDS, BASE_MILLISECONDS * 2 ** (attempt - 1));
  return (retryAfterSeconds ?? 0) * 1000 + random() * ceiling;
}

/**
 * Returns the seconds from `now` until the time of a Retry-After header, which is
 * a number of seconds or an HTTP date. Returns `undefined` for any other text.
 */
export function parseRetryAfter(header: string | null, now: Date): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,6}$/.test(header.trim())) return Number(header);
  const time = Date.parse(header);
  return Number.isNaN(time) ? undefined : Math.max(0, (time - now.getTime()) / 1000);
}
