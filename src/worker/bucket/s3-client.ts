import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { CacheError } from "../cache-error.ts";
import type { BucketMeter } from "./bucket.ts";
import { readAnswer } from "./read-answer.ts";
import {
  isTransientStatus,
  parseRetryAfter,
  retryPauseMilliseconds,
  type RetryPolicy,
} from "../../http/retry.ts";
import { createS3Signer } from "./s3-signer.ts";
import { formatS3Url } from "./s3-url.ts";

/** What the outside world gives the client; tests give other ones. */
export interface S3Environment {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly now: () => Date;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly random: () => number;
}

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Unencoded, with the prefix; empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: S3Headers;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** Lower-case hex of the body's SHA-256, to be signed along. */
  readonly payloadSha256?: string | undefined;
  readonly retries: RetryPolicy;
  /** Whether a success is passed on with its body unread, and without a limit in time. */
  readonly streams?: boolean;
  /** A success that is read here and has more bytes is refused; 4 MiB unless told. */
  readonly maxAnswerBytes?: number;
  /** Ends the request, or the reading of its answer's body. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The only headers that ever leave. Nothing of a client's request is passed on:
 * Cloudflare rewrites Accept-Encoding and the If- headers on their way out, and
 * a signature over one of them would then be wrong.
 */
export interface S3Headers {
  readonly range?: string;
  readonly "content-type"?: string;
  readonly "content-encoding"?: string;
  readonly "x-amz-copy-source"?: string;
  readonly "x-amz-copy-source-if-match"?: string;
  readonly "x-amz-copy-source-range"?: string;
}

export type S3Client = (request: S3Request, meter: BucketMeter) => Promise<Response>;

/**
 * Sends signed requests to one bucket and tries again what may pass. Answers
 * with the first response that is final, whatever its status; throws
 * `bucket-unavailable` when there is none.
 *
 * Only the signature is aws4fetch's: its `AwsClient` retries for up to 25 s,
 * without Retry-After, and never a connection that failed.
 */
export function createS3Client(config: BucketLocation, environment: S3Environment): S3Client {
  const { now, sleep, random } = environment;
  const sign = createS3Signer(config, now);

  async function attempt(request: S3Request, timeoutMilliseconds: number): Promise<Response> {
    const url = formatS3Url(config, request.key, request.query);
    const { headers } = await sign({
      url,
      method: request.method,
      headers: {
        ...request.headers,
        "x-amz-content-sha256": request.payloadSha256 ?? "UNSIGNED-PAYLOAD",
      },
    });
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMilliseconds);
    try {
      const response = await environment.fetch(url, {
        method: request.method,
        headers,
        // A redirect would carry the request to a place it was not signed for.
        redirect: "manual",
        // Cloudflare's own cache turns HEAD into GET and drops ranges.
        cache: "no-store",
        signal:
          request.signal === undefined
            ? timeout.signal
            : AbortSignal.any([timeout.signal, request.signal]),
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      // Only an object's own body may take its time; and what is asked again is not read at all.
      if ((request.streams && response.ok) || isTransientStatus(response.status)) return response;
      const maxBytes = response.ok ? request.maxAnswerBytes : undefined;
      return await readAnswer(response, nameOf(request), maxBytes);
    } finally {
      clearTimeout(timer);
    }
  }

  return async function send(request, meter) {
    const startedAt = now().getTime();
    for (let count = 1; ; count++) {
      const attemptedAt = now().getTime();
      meter.requests++;
      let failure: string;
      let cause: unknown;
      let retryAfterSeconds: number | undefined;
      try {
        const left = request.retries.budgetMilliseconds - (attemptedAt - startedAt);
        const response = await attempt(
          request,
          Math.min(request.retries.timeoutMilliseconds, left),
        );
        if (!isTransientStatus(response.status)) return response;
        failure = `answered ${response.status}`;
        retryAfterSeconds = parseRetryAfter(response.headers.get("retry-after"), now());
        await response.body?.cancel();
      } catch (error) {
        if (error instanceof CacheError) throw error;
        failure = "gave no answer";
        cause = error;
      } finally {
        meter.milliseconds += now().getTime() - attemptedAt;
      }
      const pause = retryPauseMilliseconds(count, retryAfterSeconds, random);
      const elapsed = now().getTime() - startedAt;
      if (
        count >= request.retries.attempts ||
        elapsed + pause > request.retries.budgetMilliseconds
      ) {
        throw new CacheError(
          "bucket-unavailable",
          `${nameOf(request)} ${failure}, attempt ${count}`,
          {
            cause,
            retryAfterSeconds: Math.min(60, Math.ceil(retryAfterSeconds ?? 5)),
          },
        );
      }
      await sleep(pause);
    }
  };
}

function nameOf({ method, key }: S3Request): string {
  return `${method} ${key === "" ? "(bucket)" : key}`;
}
