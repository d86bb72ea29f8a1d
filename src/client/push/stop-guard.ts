import { isTransientStatus } from "../../http/retry.ts";
import { describeError } from "../client-error.ts";
import { CacheRefusal } from "../gateway/cache-client.ts";
import { Unreachable } from "../gateway/http-client.ts";

/** Stops a push that cannot succeed, so that not each of thousands of paths fails on its own. */
export interface StopGuard {
  /** Throws `Stopped` if the push has stopped. */
  check(): void;
  /** Records that the cache has answered a request of a path. */
  succeeded(): void;
  /**
   * Records the error of a path. Returns whether the push has stopped because of
   * errors of this kind.
   */
  failed(error: unknown): boolean;
  /** The reason in one line. Undefined if the push has not stopped. */
  reason(): string | undefined;
}

/** The error of a path that was not tried, because the push has stopped. */
export class Stopped extends Error {}

/**
 * The push stops after this number of paths in a row without an answer. The HTTP
 * client has tried each of them several times.
 */
const UNANSWERED_PATHS = 3;

export function createStopGuard(): StopGuard {
  let reason: string | undefined;
  let unanswered = 0;
  return {
    check() {
      if (reason !== undefined) throw new Stopped(reason);
    },
    succeeded() {
      unanswered = 0;
    },
    failed(error) {
      const status = error instanceof CacheRefusal ? error.status : undefined;
      const isRefused = status === 401 || status === 403;
      // A broken or busy gateway counts too. Otherwise each of 20,000 paths would wait for it
      // again.
      const isUnanswered =
        error instanceof Unreachable || (status !== undefined && isTransientStatus(status));
      if (isUnanswered) unanswered++;
      if (isRefused || unanswered >= UNANSWERED_PATHS) reason ??= describeError(error);
      return reason !== undefined && (isRefused || isUnanswered);
    },
    reason: () => reason,
  };
}
