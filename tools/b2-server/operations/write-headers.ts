import type { IncomingHttpHeaders } from "node:http";
import { S3Error } from "../s3-error.ts";

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
