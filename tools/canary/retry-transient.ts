import { setTimeout as sleep } from "node:timers/promises";
import {
  isTransientStatus,
  parseRetryAfter,
  retryPauseMilliseconds,
  WRITE_RETRIES,
} from "../../src/http/retry.ts";
import type { BucketAnswer } from "./bucket-call.ts";

/**
 * Returns the first answer that is not transient, or the answer to the last attempt.
 * B2 answered 500 to two of 1,200 PUTs. Such a 500 says nothing about a feature of
 * the bucket.
 */
export async function retryTransient(
  attempt: () => Promise<BucketAnswer>,
  signal: AbortSignal,
): Promise<BucketAnswer> {
  for (let count = 1; ; count++) {
    signal.throwIfAborted();
    const isLast = count >= WRITE_RETRIES.attempts;
    let retryAfterSeconds: number | undefined;
    try {
      const answer = await attempt();
      if (isLast || !isTransientStatus(answer.status)) return answer;
      retryAfterSeconds = parseRetryAfter(answer.headers.get("retry-after"), new Date());
    } catch (error) {
      if (isLast) throw error;
    }
    const pause = retryPauseMilliseconds(count, retryAfterSeconds, Math.random);
    await sleep(pause, undefined, { signal });
  }
}
