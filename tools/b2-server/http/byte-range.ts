export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * What a Range header asks of a body: a slice of it, all of it
 * (`undefined`), or nothing it has.
 */
export type RequestedRange = ByteRange | "unsatisfiable" | undefined;

/**
 * Reads a Range header as B2 does: one range, and `bytes=0-` is the whole
 * body (200, without Content-Range). What is malformed, or asks for several
 * ranges, is ignored, as RFC 9110 allows.
 */
export function parseByteRange(header: string | undefined, size: number): RequestedRange {
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
export function formatContentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.start + range.length - 1}/${size}`;
}
