import type { GenericSchema, InferOutput } from "valibot";
import {
  completionLineSchema,
  type PartsAnswer,
  partsSchema,
  type PartUrlsAnswer,
  partUrlsSchema,
  signedUploadSchema,
  uploadProofSchema,
  uploadStartedSchema,
} from "../../api/answers.ts";
import { MAX_PART_URLS, MAX_S3_PARTS } from "../../api/direct-uploads.ts";
import { ENDPOINTS } from "../../api/endpoints.ts";
import { PAYLOAD_HEADERS } from "../../http/payload-header.ts";
import { isSecureUrl } from "../../http/secure-url.ts";
import { formatDigest, type Hash } from "../../nix/hash.ts";
import { type CacheClient, CacheRefusal, readError } from "../gateway/cache-client.ts";
import { understandAnswer } from "../gateway/understand-answer.ts";
import { ClientError } from "../client-error.ts";

/** A file that is uploaded in parts. */
export interface UploadFile {
  readonly fileHash: Hash;
  readonly sizeBytes: number;
  /** As in object keys, with its dot; empty for an uncompressed file. */
  readonly extension: string;
}

/** An upload whose parts the bucket waits for. */
export interface OpenUpload {
  readonly handle: string;
  readonly partSizeBytes: number;
  /** The parts that the bucket already has: bytes by part number. */
  readonly parts: ReadonlyMap<number, number>;
  readonly urls: PartUrls;
}

/** The URLs to which parts are PUT, and the time until which they are valid. */
export interface PartUrls {
  readonly byPart: ReadonlyMap<number, string>;
  /** By the gateway's clock. */
  readonly expire: Date;
}

export type CompletionEvent =
  | { readonly status: "checking"; readonly bytes: number }
  | { readonly status: "copying" | "stored" }
  | { readonly status: "failed"; readonly code: string; readonly message: string };

/** One PUT of a whole file to the bucket, with exactly these headers. */
export interface SignedUpload {
  readonly handle: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Calls `/api/v1/uploads` of the gateway. Throws each refusal as a `CacheRefusal`. */
export interface UploadApi {
  /** Whether the bucket proves the bytes of a PUT. An older gateway never signs one. */
  hasProvingBucket(): Promise<boolean>;
  /** Starts an upload by one PUT. `sent` means that an earlier run sent the file. */
  startSigned(file: UploadFile): Promise<SignedUpload | "stored" | { readonly sent: string }>;
  start(file: UploadFile): Promise<OpenUpload | "stored">;
  signParts(handle: string, numbers: readonly number[]): Promise<PartUrls>;
  listParts(handle: string): Promise<ReadonlyMap<number, number>>;
  /** Resolves with the last event. It is undefined if the connection broke before the first event. */
  complete(
    handle: string,
    onEvent: (event: CompletionEvent) => void,
  ): Promise<CompletionEvent | undefined>;
}

export function createUploadApi(client: CacheClient): UploadApi {
  async function call<Schema extends GenericSchema>(
    target: string,
    input: object,
    schema: Schema,
  ): Promise<InferOutput<Schema>> {
    return understandAnswer(schema, await client.call("POST", target, input), target);
  }
  return {
    async hasProvingBucket() {
      try {
        return (await call(ENDPOINTS.uploadProof, {}, uploadProofSchema)).provedBy === "bucket";
      } catch (error) {
        if (error instanceof CacheRefusal && error.code === "no-such-endpoint") return false;
        throw error;
      }
    },
    async startSigned({ fileHash, sizeBytes, extension }) {
      const answer = await call(
        ENDPOINTS.signedUpload,
        { fileHash: formatDigest(fileHash, "nix32"), size: sizeBytes, extension },
        signedUploadSchema,
      );
      if (answer.status === "stored") return "stored";
      if (answer.status === "sent") return { sent: answer.handle };
      const { handle, url, headers } = answer;
      requireSecureUrl(url, "the NAR");
      return { handle, url, headers: pickHeaders(headers) };
    },
    async start({ fileHash, sizeBytes, extension }) {
      const answer = await call(
        ENDPOINTS.uploads,
        { fileHash: formatDigest(fileHash, "nix32"), size: sizeBytes, extension },
        uploadStartedSchema,
      );
      if (answer.status === "stored") return "stored";
      const { handle, partSize } = answer;
      requireBoundedPlan(sizeBytes, partSize);
      return { handle, partSizeBytes: partSize, parts: toMap(answer), urls: toPartUrls(answer) };
    },
    async signParts(handle, numbers) {
      const parts = numbers.slice(0, MAX_PART_URLS);
      return toPartUrls(await call(ENDPOINTS.uploadUrls, { handle, parts }, partUrlsSchema));
    },
    async listParts(handle) {
      return toMap(await call(ENDPOINTS.uploadParts, { handle }, partsSchema));
    },
    async complete(handle, onEvent) {
      let last: CompletionEvent | undefined;
      await client.callForLines(ENDPOINTS.uploadComplete, { handle }, (line) => {
        last = readEvent(line);
        onEvent(last);
      });
      return last;
    },
  };
}

function toMap({ parts }: PartsAnswer): ReadonlyMap<number, number> {
  return new Map(parts.map(({ number, size }) => [number, size]));
}

function toPartUrls({ urls, urlsExpire }: PartUrlsAnswer): PartUrls {
  for (const { number, url } of urls) requireSecureUrl(url, `part ${number}`);
  const byPart = new Map(urls.map(({ number, url }) => [number, url]));
  return { byPart, expire: new Date(urlsExpire) };
}

function requireSecureUrl(url: string, what: string): void {
  if (URL.canParse(url) && isSecureUrl(new URL(url))) return;
  throw new ClientError(
    `the cache gave a URL for ${what} that is not https. Nothing is sent to it`,
  );
}

/** The headers that a gateway of ours signs. The HTTP client writes Content-Length and Host itself. */
const SIGNED_HEADERS = ["authorization", "content-type", "x-amz-date", ...PAYLOAD_HEADERS];

/**
 * Returns the headers that the client sends. A hostile cache may name others, or the
 * password of another host.
 */
function pickHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const picked = Object.entries(headers).filter(
    ([name, value]) =>
      SIGNED_HEADERS.includes(name) &&
      /^[\x20-\x7e]{1,1024}$/.test(value) &&
      (name !== "authorization" || value.startsWith("AWS4-HMAC-SHA256 ")),
  );
  return Object.fromEntries(picked);
}

/** Throws for a plan of more parts than S3 has: each part costs memory, and a cache could ask for parts of one byte. */
function requireBoundedPlan(sizeBytes: number, partSizeBytes: number): void {
  const parts = Math.ceil(sizeBytes / partSizeBytes);
  if (parts <= MAX_S3_PARTS) return;
  throw new ClientError(
    `the cache asks for ${parts} parts of ${partSizeBytes} bytes. S3 allows ${MAX_S3_PARTS} parts`,
  );
}

function readEvent(line: unknown): CompletionEvent {
  const error = readError(line);
  if (error !== undefined) return { status: "failed", ...error };
  return understandAnswer(completionLineSchema, line, ENDPOINTS.uploadComplete);
}
