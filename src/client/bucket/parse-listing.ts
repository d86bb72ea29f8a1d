import { readElement, readElements } from "../../http/s3-xml.ts";
import { err, ok, type Result } from "../../result.ts";

/** An object as a listing of the bucket shows it. */
export interface BucketEntry {
  /** The key without the prefix of the cache. From outside: it may be any text. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Whole seconds since 1970. Undefined if the listing does not say it. */
  readonly modifiedSeconds: number | undefined;
}

/** One page of a listing. */
export interface BucketPage {
  readonly entries: readonly BucketEntry[];
  /** The token of the next page. Undefined on the last page. */
  readonly continuation: string | undefined;
}

/**
 * Parses an answer to ListObjectsV2. `start` is the text with which each key must
 * begin. `prefix`, the beginning of `start`, is cut off.
 *
 * The error is a clause without a full stop, and does not quote the answer.
 */
export function parseListing(xml: string, prefix: string, start: string): Result<BucketPage> {
  if (!/<ListBucketResult[\s>]/.test(xml) || !xml.trimEnd().endsWith("</ListBucketResult>")) {
    return err("it is not a listing in S3's XML");
  }
  if ((readElement(xml, "Prefix") ?? "") !== start) return err("it is a listing of another prefix");
  const entries: BucketEntry[] = [];
  for (const contents of readElements(xml, "Contents")) {
    const key = readElement(contents, "Key");
    const size = readElement(contents, "Size") ?? "";
    if (key === undefined || !key.startsWith(start)) {
      return err("it has a key outside the prefix that was asked for");
    }
    if (!/^\d{1,15}$/.test(size)) return err("it has an object without a size");
    entries.push({
      path: key.slice(prefix.length),
      sizeBytes: Number(size),
      modifiedSeconds: readSeconds(contents, "LastModified"),
    });
  }
  const continuation = readElement(xml, "NextContinuationToken") || undefined;
  const isTruncated = readElement(xml, "IsTruncated") === "true";
  if (isTruncated && continuation === undefined)
    return err("it says that there is more, not where");
  return ok({ entries, continuation: isTruncated ? continuation : undefined });
}

/** Returns the time in an element, in whole seconds since 1970. */
export function readSeconds(xml: string, name: string): number | undefined {
  const milliseconds = Date.parse(readElement(xml, name) ?? "");
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}
