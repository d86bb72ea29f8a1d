import { formatDigest, parseHash } from "../nix/hash.ts";

/**
 * The headers by which an S3 server can prove the bytes of a PUT: the signature covers
 * the header, and the header holds the SHA-256 of the body. S3 refuses other bytes by the
 * first header; a server that ignores the first one may check the second.
 */
export const PAYLOAD_HEADERS = ["x-amz-content-sha256", "x-amz-checksum-sha256"] as const;
export type PayloadHeader = (typeof PAYLOAD_HEADERS)[number];

/** Returns the headers to sign for a body with this SHA-256, which is in base16. */
export function formatPayloadHeaders(
  header: PayloadHeader,
  sha256: string,
): Readonly<Record<string, string>> {
  if (header === "x-amz-content-sha256") return { [header]: sha256 };
  const hash = parseHash(`sha256:${sha256}`);
  if (!hash.ok) throw new TypeError(hash.error);
  return {
    "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    [header]: formatDigest(hash.value, "base64"),
  };
}
