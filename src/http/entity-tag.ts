/** Whether an If-None-Match header names `etag`, by the weak comparison of RFC 9110, section 8.8.3.2. */
export function matchesEntityTag(header: string | null | undefined, etag: string): boolean {
  if (header === null || header === undefined) return false;
  if (header.trim() === "*") return true;
  return header.split(",").some((candidate) => opaqueTag(candidate) === opaqueTag(etag));
}

function opaqueTag(etag: string): string {
  return etag.trim().replace(/^W\//, "");
}
