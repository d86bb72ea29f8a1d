import type { ObjectKind } from "../nix/object-key.ts";
import type { CacheControl } from "./cache-control.ts";

/**
 * The content types that Nix's own stores write (binary-cache-store.cc). The
 * type depends on the route and never on the uploader, who could otherwise make
 * the cache serve a web page.
 */
export const CONTENT_TYPES: Record<ObjectKind, string> = {
  "cache-info": "text/x-nix-cache-info",
  narinfo: "text/x-nix-narinfo",
  nar: "application/x-nix-nar",
  listing: "application/json",
  log: "text/plain; charset=utf-8",
  realisation: "application/json",
  "build-trace": "application/json",
  debuginfo: "application/json",
};

/** Stops browsers from guessing another type than the one that the gateway sends. */
export const NOSNIFF = { "x-content-type-options": "nosniff" } as const;

/** Returns the headers of an answer that the gateway writes itself. */
export function answerHeaders(
  contentType: string,
  cacheControl: CacheControl,
): Readonly<Record<string, string>> {
  return { "content-type": contentType, "cache-control": cacheControl, ...NOSNIFF };
}
