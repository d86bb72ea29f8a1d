import type { ObjectKind } from "../nix/object-key.ts";

/**
 * What Nix's own stores write (binary-cache-store.cc). The type follows from
 * the route and never from the uploader, who could otherwise have the cache
 * serve a page of their own.
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
