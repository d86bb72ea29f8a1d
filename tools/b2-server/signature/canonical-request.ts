import { createHash } from "node:crypto";
import type { QueryPair } from "../http/request-target.ts";

/** The parts of a request that its signature covers. */
export interface CanonicalParts {
  readonly method: string;
  /** The path, percent-decoded. */
  readonly path: string;
  readonly query: readonly QueryPair[];
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
}

/**
 * Returns the canonical request of SigV4, which the signature covers. As in S3,
 * the path is percent-encoded once, keeps its slashes, and its dot segments are
 * not resolved.
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

/** Returns the string to sign of SigV4: the signing key signs this text. */
export function formatStringToSign(timestamp: string, scope: string, request: string): string {
  const digest = createHash("sha256").update(request).digest("hex");
  return `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${digest}`;
}

/** Percent-encodes every character except the unreserved ones of RFC 3986. */
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

// Both texts are percent-encoded and so ASCII; comparing code units compares bytes.
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
