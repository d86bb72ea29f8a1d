/** A range of bytes within a body. */
export interface BodyRange {
  readonly start: number;
  readonly length: number;
}

/**
 * The range that a Range header asks for. `undefined` means the whole body;
 * `unsatisfiable` means that no byte of the range exists.
 */
export type RequestedRange = BodyRange | "unsatisfiable" | undefined;

/**
 * Parses a Range header as B2 does. `bytes=0-` asks for the whole body, which B2
 * answers with 200 and without Content-Range. A malformed header, or one with
 * several ranges, is ignored, as RFC 9110 allows.
 */
export function parseRangeHeader(header: string | undefined, size: number): RequestedRange {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, length };
  }
  const start = Number(first);
  if (start === 0 && last === "") return undefined;
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) return "unsatisfiable";
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return { start, length: end - start + 1 };
}

/** Formats a Content-Range header, as in `bytes 0-9/100`. */
export function formatContentRange(range: BodyRange, size: number): string {
  return `bytes ${range.start}-${range.start + range.length - 1}/${size}`;
}

export type ReadCondition = "proceed" | "not-modified" | "failed";

/**
 * Evaluates the conditions of a GET or HEAD: If-Match first, then If-None-Match,
 * in the order of RFC 9110, section 13.2.2.
 */
export function evaluateReadCondition(
  headers: { readonly ifMatch: string | undefined; readonly ifNoneMatch: string | undefined },
  etag: string,
): ReadCondition {
  if (headers.ifMatch !== undefined && !matchesEtag(headers.ifMatch, etag)) return "failed";
  if (headers.ifNoneMatch !== undefined && matchesEtag(headers.ifNoneMatch, etag)) {
    return "not-modified";
  }
  return "proceed";
}

/**
 * Returns whether a list of entity tags, or `*`, includes `etag`. As in S3, the
 * tags in the list may lack their quotes.
 */
export function matchesEtag(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  return list.split(",").some((tag) => bareEtag(tag) === bareEtag(etag));
}

/** Returns an entity tag without its quotes and without a leading `W/`. */
export function bareEtag(tag: string): string {
  return tag.trim().replace(/^W\//, "").replaceAll('"', "");
}
