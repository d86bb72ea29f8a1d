import { isTransientStatus } from "../../http/retry.ts";
import { describeError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { createIdleTimer, Unreachable } from "./http-client.ts";

/** An answer whose body is still to be read. The caller must read it, or call `cancel`. */
export interface Download {
  readonly status: number;
  /** Throws `Unreachable` if the body ends early or stalls. */
  readonly body: AsyncIterable<Uint8Array>;
  cancel(): void;
}

const IDLE_MILLISECONDS = 60_000;

/**
 * Sends a GET once and returns its answer unread. Follows no redirect. Throws
 * `Unreachable` if no answer comes, or if a later try may get a better one.
 */
export async function startDownload(
  { url, headers }: { readonly url: string; readonly headers: Readonly<Record<string, string>> },
  { fetch, signal }: Pick<ProcessContext, "fetch" | "signal">,
): Promise<Download> {
  const { host } = new URL(url);
  const idle = createIdleTimer(IDLE_MILLISECONDS, signal);
  const canceller = new AbortController();
  const cancel = () => {
    idle.stop();
    canceller.abort();
  };
  const fail = (error: unknown) => {
    cancel();
    signal.throwIfAborted();
    return new Unreachable(`cannot reach ${host}: ${describeError(error)}`, { cause: error });
  };
  let response: Response;
  try {
    response = await fetch(url, {
      method: "GET",
      headers,
      redirect: "manual",
      signal: AbortSignal.any([idle.signal, canceller.signal]),
    });
  } catch (error) {
    throw fail(error);
  }
  if (isTransientStatus(response.status)) throw fail(new Error(`it answered ${response.status}`));
  async function* read() {
    try {
      for await (const chunk of response.body ?? []) {
        idle.touch();
        yield chunk;
      }
      idle.stop();
    } catch (error) {
      throw fail(error);
    }
  }
  return { status: response.status, body: read(), cancel };
}
