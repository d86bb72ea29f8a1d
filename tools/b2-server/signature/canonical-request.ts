import { createHash } from "node:crypto";
import type { QueryPair } from "../http/request-target.ts";

export interface CanonicalParts {
  readonly method: string;
  /** Percent-decoded. */
  readonly path: string;
  readonly query: readonly QueryPair[];
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
}

/**
 * The text that a SigV4 signature covers, as S3 builds it: the path is
 * encoded once, its slashes kept and its dot segments not resolved.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function formatCanonicalRequest(parts: CanonicalParts): string {
  const headers = parts.signedHeaders.map(
    (name) => `${name}:${canonicalHeaderValue(parts.headers[name])}\n`,
  );
  return [
    parts.method,
    encodeUri(parts.path).replaceAll("%2F", "/"),
    canonicalQuery(parts.query),
    headers.join(""),
    parts.signedHeaders.join(";"),
    parts.payloadHash,
  ].join("\n");
}

/** The text that the signing key signs. */
export function formatStringToSign(timestamp: string, scope: string, request: string): string {
  const digest = createHash("sha256").update(request).digest("hex");
  return `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${digest}`;
}

/** Encodes all but the unreserved characters of RFC 3986. */
export function encodeUri(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function canonicalQuery(query: readonly QueryPair[]): string {
  return query
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]): QueryPair => [encodeUri(name), encodeUri(value)])
    .toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function canonicalHeaderValue(value: string | readonly string[] | undefined): string {
  const text = typeof value === "string" ? value : (value ?? []).join(",");
  return text.trim().replace(/ +/g, " ");
}

// Both are ASCII by now, so code units are bytes.
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
