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

/** The headers of an upload that every read of the object gives back. */
export function pickStoredHeaders(headers: IncomingHttpHeaders): StoredHeaders {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const stored = STORED.has(name) || name.startsWith("x-amz-meta-");
    if (stored && typeof value === "string") picked[name] = value;
  }
  return picked;
}

// 5 GB, for an object in one request, a part, and a copy alike.
const MAX_SINGLE_BYTES = 5 * 1024 ** 3;

/**
 * Refuses conditional writes as B2 does, before the body is read: 501, and
 * the old object stays.
 */
export function refuseConditionalWrite(headers: IncomingHttpHeaders): void {
  if (headers["if-match"] === undefined && headers["if-none-match"] === undefined) return;
  throw new S3Error("NotImplemented");
}

/** Refuses an upload whose length is unknown or too large, before it is read. */
export function requireLength(headers: IncomingHttpHeaders): void {
  const length = headers["content-length"];
  if (length === undefined) throw new S3Error("MissingContentLength");
  requireSingleSize(Number(length));
  if (headers["content-encoding"]?.includes("aws-chunked") === true) {
    throw new S3Error("NotImplemented");
  }
}

export function requireSingleSize(sizeBytes: number): void {
  if (sizeBytes > MAX_SINGLE_BYTES) throw new S3Error("EntityTooLarge");
}
