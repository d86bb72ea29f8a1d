import { retryPauseMilliseconds } from "../../http/retry.ts";
import { ClientError } from "../client-error.ts";
import { CacheRefusal } from "../gateway/cache-client.ts";
import { Unreachable } from "../gateway/http-client.ts";
import type { ProcessContext } from "../process-context.ts";
import type { CompletionEvent, UploadApi } from "./upload-api.ts";

/**
 * The bucket has forgotten this upload, or the gateway refuses its handle. The
 * upload must start again.
 */
export class UploadGone extends Error {}

/**
 * How often `complete` is called: once, and again each time its answer was cut or
 * reports a passing failure.
 */
const MAX_COMPLETIONS = 8;
/** How often the client sends again what the bucket lacks. */
const MAX_RESENDINGS = 2;

export interface CompletionEvents {
  /** The gateway has read back and hashed `bytes`. */
  onChecking(bytes: number): void;
  /** The bucket lacks some of the bytes. Resolves once they are sent. */
  onIncomplete?(): Promise<void>;
}

/**
 * Asks the gateway to complete an upload, until it says that the file is stored. Throws
 * `UploadGone` if the upload must start again, and otherwise `CacheRefusal`,
 * `ClientError` or `Unreachable`.
 */
export async function completeUpload(
  handle: string,
  { api, context }: { readonly api: UploadApi; readonly context: ProcessContext },
  { onChecking, onIncomplete }: CompletionEvents,
): Promise<void> {
  let resent = 0;
  for (let count = 1; ; count++) {
    let last: CompletionEvent | undefined;
    let failure: unknown = new ClientError("the gateway's answer broke off. Push again");
    try {
      last = await api.complete(handle, (event) => {
        if (event.status === "checking") onChecking(event.bytes);
        last = event;
      });
    } catch (error) {
      context.signal.throwIfAborted();
      failure = asGone(error);
      const isIncomplete = error instanceof CacheRefusal && error.code === "upload-incomplete";
      if (isIncomplete && onIncomplete !== undefined && resent++ < MAX_RESENDINGS) {
        await onIncomplete().catch((reason: unknown) => {
          throw asGone(reason);
        });
        continue;
      }
      if (!(error instanceof Unreachable)) throw failure;
    }
    if (last?.status === "stored") return;
    if (last?.status === "failed") {
      failure = asGone(new CacheRefusal(last.message, 200, last.code));
      if (!isPassing(last.code)) throw failure;
    }
    if (count === MAX_COMPLETIONS) throw failure;
    await context.sleep(retryPauseMilliseconds(count, 0, context.random));
  }
}

/** Returns whether a failure may be over at the next attempt. */
function isPassing(code: string): boolean {
  return code === "bucket-unavailable" || code === "internal" || code === "uploads-busy";
}

/** The failures after which the upload must start again. */
const GONE_CODES: ReadonlySet<string | undefined> = new Set([
  "upload-gone",
  "upload-changed",
  "handle-invalid",
  "handle-of-another",
]);

/** Returns an `UploadGone` for a refusal that means it, and every other error as it is. */
export function asGone(error: unknown): unknown {
  if (!(error instanceof CacheRefusal)) return error;
  return GONE_CODES.has(error.code) ? new UploadGone(error.message) : error;
}
