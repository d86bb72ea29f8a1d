export interface BodyRange {
  readonly start: number;
  readonly length: number;
}

/**
 * What a Range header asks of a body: a slice of it, all of it
 * (`undefined`), or nothing it has.
 */
export type RequestedRange = BodyRange | "unsatisfiable" | undefined;

/**
 * Reads a Range header as B2 does: one range, and `bytes=0-` is the whole
 * body (200, without Content-Range). What is malformed, or asks for several
 * ranges, is ignored, as RFC 9110 allows.
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

/** `bytes 0-9/100`, the answer to a satisfied range. */
export function formatContentRange(range: BodyRange, size: number): string {
  return `bytes ${range.start}-${range.start + range.length - 1}/${size}`;
}

export type ReadCondition = "proceed" | "not-modified" | "failed";

/** Evaluates If-Match before If-None-Match, in RFC 9110's order (13.2.2). */
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

/** Whether a list of entity tags (or `*`) names `etag`; S3 takes bare tags too. */
export function matchesEtag(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  return list.split(",").some((tag) => bareEtag(tag) === bareEtag(etag));
}

/** An entity tag without quotes and weakness mark. */
export function bareEtag(tag: string): string {
  return tag.trim().replace(/^W\//, "").replaceAll('"', "");
}
