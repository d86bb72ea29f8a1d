import { CacheError } from "../cache-error.ts";
import type { StoredHead, StoredRange } from "./bucket.ts";
import type { S3Answer } from "./read-answer.ts";

const NOT_AN_ENCODING = new Set(["", "identity", "aws-chunked", "none"]);

/** Returns what the headers of an answer say about its object. */
export function headOf(response: S3Answer): StoredHead {
  const length = response.headers.get("content-length");
  const encodings = (response.headers.get("content-encoding") ?? "")
    .split(",")
    .map((encoding) => encoding.trim().toLowerCase())
    .filter((encoding) => !NOT_AN_ENCODING.has(encoding));
  return {
    sizeBytes: length !== null && /^\d{1,15}$/.test(length) ? Number(length) : undefined,
    etag: response.headers.get("etag") ?? undefined,
    lastModified: response.headers.get("last-modified") ?? undefined,
    contentEncoding: encodings.length === 0 ? undefined : encodings.join(", "),
  };
}

/**
 * Throws `bucket-unavailable` for an answer that is no object, although its status
 * says so. S3 sends an ETag with every object, and the pages of proxies have none.
 * A part that nobody asked for would pass as the whole object.
 */
export async function requireObject(
  response: S3Answer,
  what: string,
  isRange: boolean,
): Promise<void> {
  const problem =
    response.status === 206 && !isRange
      ? "answered 206 without a range"
      : response.headers.has("etag")
        ? undefined
        : `answered ${response.status} without an ETag`;
  if (problem === undefined) return;
  await response.body?.cancel();
  throw new CacheError("bucket-unavailable", `${what} ${problem}`);
}

/** Returns the part of the object that an answer holds. `undefined` for the whole object. */
export function rangeOf(response: S3Answer): StoredRange | "unusable" | undefined {
  if (response.status !== 206) return undefined;
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  if (match === null) return "unusable";
  return { first: Number(match[1]), last: Number(match[2]), sizeBytes: Number(match[3]) };
}
