/** workerd decodes these when a script reads the body; xz and zstd never. */
export function isDecodedByPlatform(contentEncoding: string | null | undefined): boolean {
  return contentEncoding === "gzip" || contentEncoding === "br";
}
