import { formatDigest, type Hash } from "../../nix/hash.ts";
import type { CacheClient } from "../gateway/cache-client.ts";
import { readError } from "../gateway/cache-client.ts";
import { CliError } from "../client-error.ts";
import { readField, readList } from "../read-field.ts";

/** One file that goes up in parts. */
export interface UploadFile {
  readonly fileHash: Hash;
  readonly sizeBytes: number;
  /** As in object keys, with its dot; empty for none. */
  readonly extension: string;
}

/** An upload that the bucket waits for. */
export interface OpenUpload {
  readonly handle: string;
  readonly partSizeBytes: number;
  /** What the bucket has of it already: sizes by part number. */
  readonly parts: ReadonlyMap<number, number>;
  readonly urls: PartUrls;
}

/** Where parts may be PUT, and until when. */
export interface PartUrls {
  readonly byPart: ReadonlyMap<number, string>;
  /** By the gateway's clock. */
  readonly expire: Date;
}

export type CompletionEvent =
  | { readonly status: "checking"; readonly bytes: number }
  | { readonly status: "copying" | "stored" }
  | { readonly status: "failed"; readonly code: string; readonly message: string };

/** As many part numbers as one request may name. */
export const MAX_PART_URLS = 100;

/** `/api/v1/uploads` of the gateway. Its refusals are thrown as `CacheRefusal`. */
export interface UploadApi {
  start(file: UploadFile): Promise<OpenUpload | "stored">;
  signParts(handle: string, numbers: readonly number[]): Promise<PartUrls>;
  listParts(handle: string): Promise<ReadonlyMap<number, number>>;
  /** Resolves with the last event, which is undefined if the answer was cut before any. */
  complete(
    handle: string,
    onEvent: (event: CompletionEvent) => void,
  ): Promise<CompletionEvent | undefined>;
}

export function createUploadApi(client: CacheClient): UploadApi {
  return {
    async start({ fileHash, sizeBytes, extension }) {
      const answer = await client.call("POST", "api/v1/uploads", {
        fileHash: formatDigest(fileHash, "nix32"),
        size: sizeBytes,
        extension,
      });
      if (readField(answer, "status") === "stored") return "stored";
      const handle = readField(answer, "handle");
      const partSizeBytes = readField(answer, "partSize");
      if (typeof handle !== "string" || typeof partSizeBytes !== "number" || partSizeBytes < 1) {
        throw notUnderstood("api/v1/uploads");
      }
      return { handle, partSizeBytes, parts: readParts(answer), urls: readUrls(answer) };
    },
    async signParts(handle, numbers) {
      const parts = numbers.slice(0, MAX_PART_URLS);
      return readUrls(await client.call("POST", "api/v1/uploads/urls", { handle, parts }));
    },
    async listParts(handle) {
      return readParts(await client.call("POST", "api/v1/uploads/parts", { handle }));
    },
    async complete(handle, onEvent) {
      let last: CompletionEvent | undefined;
      await client.callForLines("api/v1/uploads/complete", { handle }, (line) => {
        last = readEvent(line);
        onEvent(last);
      });
      return last;
    },
  };
}

function readParts(answer: unknown): ReadonlyMap<number, number> {
  const parts = new Map<number, number>();
  for (const part of readList(answer, "parts")) {
    const number = readField(part, "number");
    const size = readField(part, "size");
    if (typeof number === "number" && typeof size === "number") parts.set(number, size);
  }
  return parts;
}

function readUrls(answer: unknown): PartUrls {
  const byPart = new Map<number, string>();
  for (const part of readList(answer, "urls")) {
    const number = readField(part, "number");
    const url = readField(part, "url");
    if (typeof number === "number" && typeof url === "string") byPart.set(number, url);
  }
  const expire = new Date(String(readField(answer, "urlsExpire")));
  return { byPart, expire };
}

function readEvent(line: unknown): CompletionEvent {
  const error = readError(line);
  if (error !== undefined) return { status: "failed", ...error };
  const status = readField(line, "status");
  const bytes = readField(line, "bytes");
  if (status === "stored" || status === "copying") return { status };
  if (status === "checking") return { status, bytes: typeof bytes === "number" ? bytes : 0 };
  throw notUnderstood("api/v1/uploads/complete");
}

function notUnderstood(target: string): CliError {
  return new CliError(
    `${target}: the answer is not understood; is this command too old for the cache?`,
  );
}
