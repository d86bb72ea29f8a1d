/**
 * Whether workerd decodes a body with this Content-Encoding when a script reads
 * it. It decodes gzip and br, and never xz or zstd.
 */
export function isDecodedByPlatform(contentEncoding: string | null | undefined): boolean {
  return contentEncoding === "gzip" || contentEncoding === "br";
}

const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/**
 * Returns stored bytes as text. A byte order mark stays: Nix does not skip it,
 * so a file that begins with it is as broken for the gateway as it is for Nix.
 */
export function decodeText(bytes: ArrayBuffer): string {
  return decoder.decode(bytes);
}
