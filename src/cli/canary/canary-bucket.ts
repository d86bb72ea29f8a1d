import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AwsV4Signer } from "aws4fetch";
import {
  isTransientStatus,
  parseRetryAfter,
  retryPauseMilliseconds,
  WRITE_RETRIES,
} from "../../bucket/retry.ts";
import { readElement } from "../../bucket/s3-xml.ts";
import type { BucketConfig } from "../../config.ts";
import { createTrace, type Trace } from "./trace.ts";

export interface BucketRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Below the canary's own folder; left out for the bucket itself. */
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Signed and sent as they are. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface BucketAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** S3's error code. */
  readonly code: string | undefined;
}

export interface SignedRequest {
  readonly url: URL;
  readonly headers: Headers;
}

/** A bucket, of which only one new folder below the cache's prefix is ever written. */
export interface CanaryBucket {
  readonly config: BucketConfig;
  /** What was written, for the clean-up. */
  readonly trace: Trace;
  /** The whole key of a name. */
  keyOf(name: string): string;
  /** Sends, and tries again what may pass. Throws where there is no answer. */
  send(request: BucketRequest): Promise<BucketAnswer>;
  /** Signs without sending. The name counts as written. */
  sign(request: BucketRequest): Promise<SignedRequest>;
  /** A URL that needs no header, signed so long ago, for so long. */
  presign(request: BucketRequest, agedSeconds: number, expiresSeconds: number): Promise<URL>;
  /** The same folder for someone else's signal. */
  withSignal(signal: AbortSignal): CanaryBucket;
}

/** Opens a folder that nobody knows. */
export function openCanaryBucket(config: BucketConfig, signal: AbortSignal): CanaryBucket {
  const folder = `${config.prefix}.canary/${randomBytes(8).toString("hex")}/`;
  return createCanaryBucket(config, createTrace(folder), signal);
}

function createCanaryBucket(config: BucketConfig, trace: Trace, signal: AbortSignal): CanaryBucket {
  const keyOf = (name: string) => trace.folder + name;
  const credentials = {
    accessKeyId: config.keyId,
    secretAccessKey: config.applicationKey,
    service: "s3",
    region: config.region,
  };

  function urlOf({ name, query = {} }: BucketRequest): string {
    const path = name === undefined ? "" : `/${keyOf(name).split("/").map(encodeText).join("/")}`;
    const pairs = Object.entries(query).map(
      ([key, value]) => `${encodeText(key)}=${encodeText(value)}`,
    );
    return `${config.endpoint}/${config.bucket}${path}${pairs.length === 0 ? "" : "?"}${pairs.join("&")}`;
  }

  async function sign(request: BucketRequest): Promise<SignedRequest> {
    const { method, headers = {} } = request;
    trace.note(request);
    return await new AwsV4Signer({ ...credentials, method, url: urlOf(request), headers }).sign();
  }

  async function attempt(request: BucketRequest): Promise<BucketAnswer> {
    const { url, headers } = await sign(request);
    const { method, body } = request;
    const answer = await readAnswer(
      await fetch(url, {
        method,
        headers,
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(WRITE_RETRIES.timeoutMilliseconds)]),
        ...(body === undefined ? {} : { body }),
      }),
    );
    trace.noteAnswer(request, answer);
    return answer;
  }

  return {
    config,
    trace,
    keyOf,
    sign,

    async send(request) {
      for (let count = 1; ; count++) {
        signal.throwIfAborted();
        const isLast = count >= WRITE_RETRIES.attempts;
        let retryAfterSeconds: number | undefined;
        try {
          const answer = await attempt(request);
          if (isLast || !isTransientStatus(answer.status)) return answer;
          retryAfterSeconds = parseRetryAfter(answer.headers.get("retry-after"), new Date());
        } catch (error) {
          if (isLast || signal.aborted) throw error;
        }
        await sleep(retryPauseMilliseconds(count, retryAfterSeconds, Math.random), undefined, {
          signal,
        });
      }
    },

    async presign(request, agedSeconds, expiresSeconds) {
      const query = { ...request.query, "X-Amz-Expires": String(expiresSeconds) };
      const datetime = new Date(Date.now() - agedSeconds * 1000)
        .toISOString()
        .replace(/[:-]|\.\d{3}/g, "");
      trace.note(request);
      const signer = new AwsV4Signer({
        ...credentials,
        method: request.method,
        url: urlOf({ ...request, query }),
        datetime,
        signQuery: true,
      });
      return (await signer.sign()).url;
    },

    withSignal: (other) => createCanaryBucket(config, trace, other),
  };
}

/** Reads an answer whole: nothing here is longer than a listing. */
export async function readAnswer(response: Response): Promise<BucketAnswer> {
  const text = await response.text();
  const { status, headers } = response;
  return { status, headers, text, code: readElement(text, "Code") };
}

/** aws4fetch takes a "+" in a path for a space when it signs: it goes encoded, as all that S3 encodes. */
function encodeText(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
