import type { IncomingHttpHeaders } from "node:http";
import { S3Error } from "../s3-error.ts";
import type { StoredHeaders } from "../store/object-version.ts";

const STORED = new Set([
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
]);

/** Returns the headers of an upload that are stored, and sent with every read of the object. */
export function pickStoredHeaders(headers: IncomingHttpHeaders): StoredHeaders {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const stored = STORED.has(name) || name.startsWith("x-amz-meta-");
    if (stored && typeof value === "string") picked[name] = value;
  }
  return picked;
}

// 5 GiB: the limit of one PUT, of one part and of one copy.
const MAX_SINGLE_BYTES = 5 * 1024 ** 3;

/**
 * Throws `NotImplemented` (501) for a conditional write, before its body is read.
 * B2 does the same, and keeps the old object.
 */
export function refuseConditionalWrite(headers: IncomingHttpHeaders): void {
  if (headers["if-match"] === undefined && headers["if-none-match"] === undefined) return;
  throw new S3Error("NotImplemented");
}

/**
 * Throws if an upload has no Content-Length or is too large, before its body is
 * read.
 */
export function requireLength(headers: IncomingHttpHeaders): void {
  const length = headers["content-length"];
  if (length === undefined) throw new S3Error("MissingContentLength");
  requireSingleSize(Number(length));
  if (headers["content-encoding"]?.includes("aws-chunked") === true) {
    throw new S3Error("NotImplemented");
  }
}

/** Throws `EntityTooLarge` if one request may not write this many bytes. */
export function requireSingleSize(sizeBytes: number): void {
  if (sizeBytes > MAX_SINGLE_BYTES) throw new S3Error("EntityTooLarge");
}
