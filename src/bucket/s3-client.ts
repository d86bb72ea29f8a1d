import { AwsClient } from "aws4fetch";
import type { BucketConfig } from "../config.ts";
import { CacheError } from "../errors.ts";
import type { BucketMeter } from "./bucket.ts";
import {
  isTransientStatus,
  parseRetryAfter,
  retryPauseMilliseconds,
  type RetryPolicy,
} from "./retry.ts";
import { formatAmzDate, formatS3Url } from "./s3-url.ts";

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
 * Signed by hand rather than with `AwsClient.fetch`: that retries for up to
 * 25 s, without Retry-After, and never a connection that failed.
 */
export function createS3Client(config: BucketConfig, environment: S3Environment): S3Client {
  const aws = new AwsClient({
    accessKeyId: config.keyId,
    secretAccessKey: config.applicationKey,
    service: "s3",
    region: config.region,
  });
  const { now, sleep, random } = environment;

  async function attempt(request: S3Request, timeoutMilliseconds: number): Promise<Response> {
    const url = formatS3Url(config, request.key, request.query);
    const signed = await aws.sign(url, {
      method: request.method,
      headers: {
        ...request.headers,
        "x-amz-content-sha256": request.payloadSha256 ?? "UNSIGNED-PAYLOAD",
      },
      aws: { datetime: formatAmzDate(now()) },
    });
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMilliseconds);
    try {
      const response = await environment.fetch(url, {
        method: request.method,
        headers: signed.headers,
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
      const isUnread = (request.streams && response.ok) || isTransientStatus(response.status);
      return isUnread ? response : await readAnswer(response);
    } finally {
      clearTimeout(timer);
    }
  }

  return async function send(request, meter) {
    const startedAt = now().getTime();
    const what = `${request.method} ${request.key === "" ? "(bucket)" : request.key}`;
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
        throw new CacheError("bucket-unavailable", `${what} ${failure}, attempt ${count}`, {
          cause,
          retryAfterSeconds: Math.min(60, Math.ceil(retryAfterSeconds ?? 5)),
        });
      }
      await sleep(pause);
    }
  };
}

// A listing of 1,000 keys of the longest kind has 2 MB.
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** The answer with its body in memory, so that it can neither stall nor be cut later on. */
async function readAnswer(response: Response): Promise<Response> {
  if (response.body === null) return response;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) throw new RangeError("an answer that is longer than any of S3's");
    chunks.push(chunk);
  }
  const { status, headers } = response;
  return new Response(size === 0 ? null : await new Blob(chunks).arrayBuffer(), {
    status,
    headers,
  });
}
