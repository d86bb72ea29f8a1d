import { CacheError } from "../cache-error.ts";

/** In bytes. Throws without one: S3 stores nothing of unknown length, and Nix always knows it. */
export function contentLength(request: Request): number {
  const header = request.headers.get("content-length");
  if (header === null || !/^\d{1,15}$/.test(header))
    throw new CacheError("length-required", `${header}`);
  return Number(header);
}
