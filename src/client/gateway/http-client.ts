import { isTransientStatus, parseRetryAfter, retryPauseMilliseconds } from "../../http/retry.ts";
import { ClientError, describeError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody;
  /** Told how much of the body this attempt has sent; falls back to 0 with the next one. */
  readonly onSent?: (bytes: number) => void;
}

/** A body that can be sent again. */
export interface HttpBody {
  readonly sizeBytes: number;
  open(): AsyncIterable<Uint8Array>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** No answer, after all attempts. */
export class Unreachable extends ClientError {}

export interface HttpRetries {
  readonly attempts: number;
  /** Without a byte in either direction. */
  readonly idleMilliseconds: number;
}

export const HTTP_RETRIES: HttpRetries = { attempts: 6, idleMilliseconds: 90_000 };

export interface HttpClient {
  /** Sends it until an answer is final, whatever its status, and reads that whole. Throws `Unreachable`. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /**
   * The same for an answer of many lines: each is handed over as it comes. Once
   * the first one has come, a connection that breaks is the caller's matter.
   */
  sendForLines(request: HttpRequest, onLine: (line: string) => void): Promise<HttpAnswer>;
}

const CHUNK_BYTES = 64 * 1024;

/** Bytes in memory as a body. */
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

/**
 * Every request of the command: tried again with growing pauses, ended when
 * nothing moves any more. Redirects are never followed, since a token or a
 * signed URL is for the host that it was given for.
 */
export function createHttpClient(
  { fetch, now, random, sleep, signal }: ProcessContext,
  retries: HttpRetries = HTTP_RETRIES,
): HttpClient {
  async function attempt(
    request: HttpRequest,
    onLine?: (line: string) => void,
  ): Promise<HttpAnswer> {
    const idle = createIdleTimer(retries.idleMilliseconds);
    try {
      const { body } = request;
      const response = await fetch(request.url, {
        method: request.method,
        headers: {
          ...request.headers,
          // Without it a stream would be sent chunked, which S3 refuses.
          ...(body === undefined ? {} : { "content-length": String(body.sizeBytes) }),
        },
        redirect: "manual",
        signal: AbortSignal.any([signal, idle.signal]),
        ...(body === undefined ? {} : { body: countSent(request, body, idle), duplex: "half" }),
      });
      const lines = response.ok ? onLine : undefined;
      const chunks: Uint8Array[] = [];
      let rest = "";
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        idle.touch();
        if (lines === undefined) {
          chunks.push(chunk);
          continue;
        }
        const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = parts.pop() ?? "";
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
    for (let count = 1; ; count++) {
      let failure: unknown;
      let retryAfterSeconds: number | undefined;
      try {
        const answer = await attempt(request, handOver);
        if (!isTransientStatus(answer.status) || count >= retries.attempts) return answer;
        retryAfterSeconds = parseRetryAfter(answer.headers.get("retry-after"), now());
      } catch (error) {
        failure = error;
      }
      signal.throwIfAborted();
      if (failure !== undefined && (hasBegun || count >= retries.attempts)) {
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

function createIdleTimer(milliseconds: number): IdleTimer {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new Error(`nothing moved for ${milliseconds / 1000} s`));
  }, milliseconds);
  return {
    signal: controller.signal,
    touch: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  };
}
