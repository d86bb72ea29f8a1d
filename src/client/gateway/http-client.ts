import { isTransientStatus, parseRetryAfter, retryPauseMilliseconds } from "../../http/retry.ts";
import { ClientError, describeError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody;
  /**
   * Called with the bytes of the body that the current attempt has sent. Each
   * attempt begins at 0 again.
   */
  readonly onSent?: (bytes: number) => void;
  /** The most bytes of the answer. A longer answer is an error. The default is 16 MB. */
  readonly maxAnswerBytes?: number;
  /** The most attempts. The default is that of the client. */
  readonly attempts?: number;
}

/** A body that can be read several times, once for each attempt. */
export interface HttpBody {
  readonly sizeBytes: number;
  open(): AsyncIterable<Uint8Array>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** No attempt got an answer. */
export class Unreachable extends ClientError {}

/**
 * The most bytes of an answer, or of one line of it, that are kept in memory. The
 * largest real one is a list of 10,000 parts: half a megabyte.
 */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export class OversizedAnswer extends ClientError {
  constructor(url: string, maxBytes: number) {
    const { host, pathname } = new URL(url);
    super(
      `${host} answered with more than ${maxBytes / 1024 / 1024} MB to ${pathname.slice(0, 100)}. Check that the URL is right`,
    );
  }
}

export interface HttpRetries {
  readonly attempts: number;
  /** The time without a byte in either direction after which an attempt fails. */
  readonly idleMilliseconds: number;
}

export const HTTP_RETRIES: HttpRetries = { attempts: 6, idleMilliseconds: 90_000 };

export interface HttpClient {
  /**
   * Sends a request until an answer is final, whatever its status is, and reads
   * the whole answer. Throws `Unreachable` if no attempt got an answer.
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /**
   * Sends a request whose answer is a stream of lines, and passes each line to
   * `onLine` as it arrives. After the first line it does not try again: if the
   * connection then breaks, it throws `Unreachable` and the caller must decide.
   */
  sendForLines(request: HttpRequest, onLine: (line: string) => void): Promise<HttpAnswer>;
}

const CHUNK_BYTES = 64 * 1024;

/** Returns a body whose bytes are in memory. */
export function bytesBody(bytes: Uint8Array): HttpBody {
  return {
    sizeBytes: bytes.byteLength,
    async *open() {
      for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
        yield bytes.subarray(start, start + CHUNK_BYTES);
      }
    },
  };
}

export function textBody(text: string): HttpBody {
  return bytesBody(new TextEncoder().encode(text));
}

/** Returns all bytes of a small body. */
export async function readBody(body: HttpBody): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Creates the client for all HTTP requests. It repeats failed attempts with
 * growing pauses, and ends an attempt that sends and receives nothing. It never
 * follows a redirect, because a token or a signed URL is meant for one host only.
 */
export function createHttpClient(
  { fetch, now, random, sleep, signal }: ProcessContext,
  retries: HttpRetries = HTTP_RETRIES,
): HttpClient {
  async function attempt(
    request: HttpRequest,
    onLine?: (line: string) => void,
  ): Promise<HttpAnswer> {
    const idle = createIdleTimer(retries.idleMilliseconds, signal);
    try {
      const { body, maxAnswerBytes = MAX_ANSWER_BYTES } = request;
      const response = await fetch(request.url, {
        method: request.method,
        headers: {
          ...request.headers,
          // Without Content-Length, fetch sends a stream chunked, which S3 refuses.
          ...(body === undefined ? {} : { "content-length": String(body.sizeBytes) }),
        },
        redirect: "manual",
        signal: idle.signal,
        ...(body === undefined ? {} : { body: countSent(request, body, idle), duplex: "half" }),
      });
      const lines = response.ok ? onLine : undefined;
      const chunks: Uint8Array[] = [];
      let kept = 0;
      let rest = "";
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        idle.touch();
        if (lines === undefined) {
          kept += chunk.byteLength;
          if (kept > maxAnswerBytes) throw new OversizedAnswer(request.url, maxAnswerBytes);
          chunks.push(chunk);
          continue;
        }
        const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = parts.pop() ?? "";
        if (rest.length > maxAnswerBytes) throw new OversizedAnswer(request.url, maxAnswerBytes);
        for (const line of parts) if (line !== "") lines(line);
      }
      return { status: response.status, headers: response.headers, body: Buffer.concat(chunks) };
    } finally {
      idle.stop();
    }
  }

  async function sendWithRetries(
    request: HttpRequest,
    onLine?: (line: string) => void,
  ): Promise<HttpAnswer> {
    let hasBegun = false;
    const handOver =
      onLine === undefined
        ? undefined
        : (line: string) => {
            hasBegun = true;
            onLine(line);
          };
    const attempts = request.attempts ?? retries.attempts;
    for (let count = 1; ; count++) {
      let failure: unknown;
      let retryAfterSeconds: number | undefined;
      try {
        const answer = await attempt(request, handOver);
        if (!isTransientStatus(answer.status) || count >= attempts) return answer;
        retryAfterSeconds = parseRetryAfter(answer.headers.get("retry-after"), now());
      } catch (error) {
        failure = error;
      }
      signal.throwIfAborted();
      if (failure instanceof OversizedAnswer) throw failure;
      if (failure !== undefined && (hasBegun || count >= attempts)) {
        const { host } = new URL(request.url);
        throw new Unreachable(`cannot reach ${host}: ${describeError(failure)}`, {
          cause: failure,
        });
      }
      await sleep(retryPauseMilliseconds(count, Math.min(60, retryAfterSeconds ?? 0), random));
    }
  }

  return {
    send: (request) => sendWithRetries(request),
    sendForLines: (request, onLine) => sendWithRetries(request, onLine),
  };
}

async function* countSent(request: HttpRequest, body: HttpBody, idle: IdleTimer) {
  let sent = 0;
  request.onSent?.(sent);
  for await (const chunk of body.open()) {
    yield chunk;
    sent += chunk.byteLength;
    idle.touch();
    request.onSent?.(sent);
  }
}

interface IdleTimer {
  readonly signal: AbortSignal;
  touch(): void;
  stop(): void;
}

/**
 * Creates a timer whose signal aborts after some time without `touch`, and with `parent`.
 *
 * `AbortSignal.any` would do the second part too. But `parent` lives as long as the
 * command, and then keeps a record of each of its signals: after 40,000 requests that
 * took half of the time.
 */
export function createIdleTimer(milliseconds: number, parent: AbortSignal): IdleTimer {
  const controller = new AbortController();
  const abortToo = () => controller.abort(parent.reason);
  if (parent.aborted) abortToo();
  else parent.addEventListener("abort", abortToo, { once: true });
  const timer = setTimeout(() => {
    controller.abort(new Error(`no data for ${milliseconds / 1000} s`));
  }, milliseconds);
  return {
    signal: controller.signal,
    touch: () => void timer.refresh(),
    stop() {
      clearTimeout(timer);
      parent.removeEventListener("abort", abortToo);
    },
  };
}
