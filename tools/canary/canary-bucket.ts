import { randomBytes } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import { WRITE_RETRIES } from "../../src/http/retry.ts";
import { formatAmzDate, formatS3Url } from "../../src/http/s3-url.ts";
import { readElement } from "../../src/http/s3-xml.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import type { BucketAnswer, BucketRequest } from "./bucket-call.ts";
import { retryTransient } from "./retry-transient.ts";
import { createTrace, type Trace } from "./trace.ts";

export interface SignedRequest {
  readonly url: URL;
  readonly headers: Headers;
}

/** How long ago a presigned URL was signed, and how long it is valid. */
interface Presigned {
  readonly agedSeconds: number;
  readonly expiresSeconds: number;
}

export interface SigningOptions {
  /** How long ago the request was signed. 0 if it is not given. */
  readonly agedSeconds?: number;
  /** Whether the signature covers the headers too that proxies may change. */
  readonly signsAllHeaders?: boolean;
}

type Sleep = (milliseconds: number) => Promise<unknown>;

export interface CanaryEnvironment {
  /** Once it aborts, the run sends no further request. */
  readonly signal: AbortSignal;
  readonly sleep: Sleep;
}

/** A bucket with a new folder below the cache's prefix. The canary writes only in this folder. */
export interface CanaryBucket {
  readonly config: BucketLocation;
  /** The objects and uploads that the clean-up must remove. */
  readonly trace: Trace;
  /** Waits until the server has done its work in the background. */
  readonly sleep: Sleep;
  /** Returns the object key of a name in the folder. */
  keyOf(name: string): string;
  /**
   * Sends the request, and tries again after a transient failure. Throws if the
   * bucket does not answer, or if the signal has aborted. An abort does not cancel
   * a request that was already sent: the bucket could otherwise store its object
   * after the clean-up.
   */
  send(request: BucketRequest): Promise<BucketAnswer>;
  /** Sends the request as `send` does, by a presigned URL and without headers. */
  sendPresigned(request: BucketRequest, presigned: Presigned): Promise<BucketAnswer>;
  /** Signs the request without sending it. The clean-up treats the name as written. */
  sign(request: BucketRequest, options?: SigningOptions): Promise<SignedRequest>;
  /** Returns the same folder with another signal. */
  withSignal(signal: AbortSignal): CanaryBucket;
}

/** Opens a new folder with a random name. */
export function openCanaryBucket(
  config: BucketLocation,
  environment: CanaryEnvironment,
): CanaryBucket {
  const folder = `${config.prefix}.canary/${randomBytes(8).toString("hex")}/`;
  return createCanaryBucket(config, createTrace(folder), environment);
}

/** Opens a folder that exists, with a final slash, to read in it. "" is the whole bucket. */
export function openBucketFolder(
  config: BucketLocation,
  folder: string,
  environment: CanaryEnvironment,
): CanaryBucket {
  return createCanaryBucket(config, createTrace(folder), environment);
}

function createCanaryBucket(
  config: BucketLocation,
  trace: Trace,
  { signal, sleep }: CanaryEnvironment,
): CanaryBucket {
  const keyOf = (name: string) => trace.folder + name;

  async function sign(
    { method, name, query = {}, headers = {} }: BucketRequest,
    {
      agedSeconds = 0,
      expiresSeconds,
      signsAllHeaders = false,
    }: SigningOptions & Partial<Presigned> = {},
  ): Promise<SignedRequest> {
    const expiry = expiresSeconds === undefined ? {} : { "X-Amz-Expires": String(expiresSeconds) };
    const key = name === undefined ? "" : keyOf(name);
    return await new AwsV4Signer({
      method,
      url: formatS3Url(config, key, { ...query, ...expiry }),
      headers,
      accessKeyId: config.keyId,
      secretAccessKey: config.applicationKey,
      service: "s3",
      region: config.region,
      datetime: formatAmzDate(new Date(Date.now() - agedSeconds * 1000)),
      signQuery: expiresSeconds !== undefined,
      allHeaders: signsAllHeaders,
    }).sign();
  }

  async function attempt(request: BucketRequest, presigned?: Presigned): Promise<BucketAnswer> {
    const { url, headers } = await sign(request, presigned);
    const { method, body } = request;
    const response = await fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(WRITE_RETRIES.timeoutMilliseconds),
      ...(body === undefined ? {} : { body }),
    });
    // No answer is longer than a listing, so the whole text fits into memory.
    const text = await response.text();
    const { status } = response;
    return { status, headers: response.headers, text, code: readElement(text, "Code") };
  }

  async function send(request: BucketRequest, presigned?: Presigned): Promise<BucketAnswer> {
    return await retryTransient(async () => {
      trace.note(request);
      const answer = await attempt(request, presigned);
      trace.noteAnswer(request, answer);
      return answer;
    }, signal);
  }

  return {
    config,
    trace,
    sleep,
    keyOf,
    send: (request) => send(request),
    sendPresigned: send,
    async sign(request, options) {
      trace.note(request);
      return await sign(request, options);
    },
    withSignal: (other) => createCanaryBucket(config, trace, { signal: other, sleep }),
  };
}
