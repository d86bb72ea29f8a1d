/** A single byte range of RFC 9110, section 14.1.2. Offsets are bytes; `last` is inclusive. */
export type ByteRange =
  | { readonly first: number; readonly last: number | undefined }
  | { readonly suffixLength: number };

/**
 * Parses a Range header. `undefined` means "answer the whole object": RFC 9110
 * asks for that when the range is absent, malformed or of another unit. Several
 * ranges get the whole object too, because no Nix client sends them.
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

/** Returns the first and the last byte of a range in an object of `sizeBytes`; `undefined` if it lies outside. */
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

/** Whether an If-None-Match header names `etag`. Uses the weak comparison of RFC 9110, section 8.8.3.2. */
export function matchesEntityTag(header: string | null | undefined, etag: string): boolean {
  if (header === null || header === undefined) return false;
  if (header.trim() === "*") return true;
  return header.split(",").some((candidate) => opaqueTag(candidate) === opaqueTag(etag));
}

function opaqueTag(etag: string): string {
  return etag.trim().replace(/^W\//, "");
}

/**
 * Returns the token of a request: `Authorization: Bearer <token>`, or the
 * password of `Basic`. Nix can only send `Basic`, from a netrc file. The user
 * name does not matter; a netrc entry without `login` sends an empty one.
 */
export function readCredential(headers: Headers): string | undefined {
  const header = headers.get("authorization") ?? "";
  const [, scheme, value] = /^(\S+) +(\S+)\s*$/.exec(header) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  return scheme.toLowerCase() === "basic" ? basicPassword(value) : undefined;
}

function basicPassword(base64: string): string | undefined {
  try {
    const userPass = new TextDecoder().decode(
      Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)),
    );
    const colon = userPass.indexOf(":");
    return colon < 0 || colon === userPass.length - 1 ? undefined : userPass.slice(colon + 1);
  } catch {
    return undefined;
  }
}

/** Matches the version of Nix in a header such as `User-Agent: curl/8.9.1 Nix/2.34.8`. */
const NIX_VERSION = /\bNix\/(\d+)\.(\d+)(?:\.(\d+))?/;

/**
 * Whether this client is a Nix that repeats a failed PUT without its body and
 * then hangs for minutes. Every Nix before 2.33.2 does
 * (https://github.com/NixOS/nix/pull/15047), so the gateway must never answer
 * such a client with a status that Nix retries. Lix never retries a PUT.
 */
export function resendsEmptyBody(userAgent: string | null): boolean {
  const match = NIX_VERSION.exec(userAgent ?? "");
  if (match === null) return false;
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map((part) => Number(part ?? 0));
  if (major !== 2) return major < 2;
  return minor < 33 || (minor === 33 && patch < 2);
}
