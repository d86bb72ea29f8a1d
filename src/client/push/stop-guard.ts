import { isTransientStatus } from "../../http/retry.ts";
import { describeError } from "../client-error.ts";
import { CacheRefusal } from "../gateway/cache-client.ts";
import { Unreachable } from "../gateway/http-client.ts";

/** Ends a push that cannot succeed, before a thousand paths have said so. */
export interface StopGuard {
  /** Throws `Stopped` once it has. */
  check(): void;
  succeeded(): void;
  /** Looks at why a path failed; whether that concerns all paths, and has stopped them. */
  failed(error: unknown): boolean;
  /** Why it has stopped, in one line. */
  reason(): string | undefined;
}

/** For paths that were not tried because of the others. */
export class Stopped extends Error {}

/** Each of them was tried several times already. */
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
      // A gateway that is broken or busy, too: of 20,000 paths each would wait for it anew.
      const isUnanswered =
        error instanceof Unreachable || (status !== undefined && isTransientStatus(status));
      if (isUnanswered) unanswered++;
      if (isRefused || unanswered >= UNANSWERED_PATHS) reason ??= describeError(error);
      return reason !== undefined && (isRefused || isUnanswered);
    },
    reason: () => reason,
  };
}
