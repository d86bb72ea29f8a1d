/**
 * A single byte range of RFC 9110, section 14.1.2. Offsets are bytes, `last`
 * is inclusive.
 */
export type ByteRange =
  | { readonly first: number; readonly last: number | undefined }
  | { readonly suffixLength: number };

/**
 * Reads a Range header. `undefined` means "answer the whole object", which is
 * what RFC 9110 asks for when a range is absent, malformed or of another unit.
 * Several ranges are answered whole too: no Nix client sends them.
 */
export function parseByteRange(header: string | null | undefined): ByteRange | undefined {
  const match = /^bytes=(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const [, first, last, suffix] = match;
  if (first === undefined) return { suffixLength: Number(suffix) };
  const range = { first: Number(first), last: last === undefined ? undefined : Number(last) };
  return range.last !== undefined && range.last < range.first ? undefined : range;
}

export function formatByteRange(range: ByteRange): string {
  return "suffixLength" in range
    ? `bytes=-${range.suffixLength}`
    : `bytes=${range.first}-${range.last ?? ""}`;
}

/** Where a range lies in an object of `sizeBytes`; `undefined` if outside it. */
export function resolveByteRange(
  range: ByteRange,
  sizeBytes: number,
): { readonly first: number; readonly last: number } | undefined {
  if ("suffixLength" in range) {
    if (range.suffixLength === 0 || sizeBytes === 0) return undefined;
    return { first: Math.max(0, sizeBytes - range.suffixLength), last: sizeBytes - 1 };
  }
  if (range.first >= sizeBytes) return undefined;
  return { first: range.first, last: Math.min(range.last ?? sizeBytes - 1, sizeBytes - 1) };
}
