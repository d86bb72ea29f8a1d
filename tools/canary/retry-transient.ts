import { setTimeout as sleep } from "node:timers/promises";
import {
  isTransientStatus,
  parseRetryAfter,
  retryPauseMilliseconds,
  WRITE_RETRIES,
} from "../../src/http/retry.ts";
import type { BucketAnswer } from "./bucket-call.ts";

/**
 * Gives the first answer that is final, or the last one. Of 1,200 PUTs to B2
 * two were answered 500, which says nothing of what a run wants to know.
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
