import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { CacheError } from "../cache-error.ts";
import { readElement } from "../../http/s3-xml.ts";
import type { BucketMeter } from "./bucket.ts";
import { readAnswer, type S3Answer } from "./read-answer.ts";
import {
  isTransientStatus,
  parseRetryAfter,
  retryPauseMilliseconds,
  type RetryPolicy,
} from "../../http/retry.ts";
import { createS3HeaderSigner } from "./s3-header-signer.ts";
import { formatS3Url } from "../../http/s3-url.ts";
import { isSmall, streamBytes } from "./stream-bytes.ts";

/** The network, clock, timer and random numbers of the client. Tests pass their own. */
export interface S3Environment {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly now: () => Date;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly random: () => number;
}

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** The key, not encoded, with the prefix. Empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: S3Headers;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** The SHA-256 of the body in lower-case hex. The signature then covers it. */
  readonly payloadSha256?: string | undefined;
  readonly retries: RetryPolicy;
  /**
   * Whether the client returns a success with its body unread. The body then has
   * no time limit. Otherwise the client reads the body into memory.
   */
  readonly streams?: boolean;
  /** The most bytes of a success that the client reads into memory. The default is 4 MiB. */
  readonly maxAnswerBytes?: number;
  /** Aborts the request, or the reading of the answer's body. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The only headers that the gateway sends to the bucket. It passes on no header of
 * a client's request: Cloudflare rewrites Accept-Encoding and the If- headers of
 * outgoing requests, and a signature over one of them would then be wrong.
 */
export interface S3Headers {
  readonly range?: string;
  readonly "content-type"?: string;
  readonly "content-encoding"?: string;
  readonly "x-amz-copy-source"?: string;
  readonly "x-amz-copy-source-if-match"?: string;
  readonly "x-amz-copy-source-range"?: string;
  readonly "x-amz-metadata-directive"?: "REPLACE";
}

export type S3Client = (request: S3Request, meter: BucketMeter) => Promise<S3Answer>;

/**
 * Returns a function that sends signed requests to one bucket. It tries again
 * after a failure that may pass. It returns the first response that is final,
 * with any status. It throws `bucket-unavailable` if no attempt gets one.
 *
 * It does not use the `AwsClient` of aws4fetch, which retries for up to 25 s, ignores
 * Retry-After, and does not retry a connection that failed.
 */
export function createS3Client(config: BucketLocation, environment: S3Environment): S3Client {
  const { now, sleep, random } = environment;
  const sign = createS3HeaderSigner(config, now);

  async function attempt(request: S3Request, timeoutMilliseconds: number): Promise<S3Answer> {
    const url = formatS3Url(config, request.key, request.query);
    const headers = sign({
      url,
      method: request.method,
      headers: {
        ...request.headers,
        "x-amz-content-sha256": request.payloadSha256 ?? "UNSIGNED-PAYLOAD",
      },
    });
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMilliseconds);
    const { body } = request;
    const streamed =
      body === undefined || typeof body === "string" || isSmall(body)
        ? undefined
        : streamBytes(body);
    try {
      const response = await environment.fetch(url, {
        method: request.method,
        headers,
        // A redirect would send the request to a server that it was not signed for.
        redirect: "manual",
        // Cloudflare's own cache turns HEAD into GET and drops ranges. For a PUT this
        // option would add a Cache-Control header, which S3 stores with the object.
        ...(request.method === "GET" || request.method === "HEAD" ? { cache: "no-store" } : {}),
        signal:
          request.signal === undefined
            ? timeout.signal
            : AbortSignal.any([timeout.signal, request.signal]),
        ...(body === undefined ? {} : { body: streamed?.body ?? body }),
      });
      // Only the body of an object has no time limit, so only it stays unread. The
      // body of an answer that leads to another attempt is not needed.
      if ((request.streams && response.ok) || isTransientStatus(response.status)) return response;
      const maxBytes = response.ok ? request.maxAnswerBytes : undefined;
      return await readAnswer(response, nameOf(request), maxBytes);
    } finally {
      clearTimeout(timer);
      streamed?.stop();
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
        const isLate = await isRequestTimeout(response);
        if (!isTransientStatus(response.status) && !isLate) return response;
        failure = `answered ${response.status}${isLate ? " RequestTimeout" : ""}`;
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

/**
 * Whether S3 did not get the whole request in time. It answers 400 then, which
 * otherwise means a request that can never succeed.
 */
async function isRequestTimeout(response: S3Answer): Promise<boolean> {
  if (response.status !== 400) return false;
  // It is in memory, so its reader can read it again.
  return readElement(await response.text(), "Code") === "RequestTimeout";
}
