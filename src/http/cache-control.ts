import type { ObjectKey } from "../nix/object-key.ts";

const HOUR = 3600;
const YEAR = 365 * 24 * HOUR;

/**
 * How long the edge, and every cache between it and the client, may keep an
 * answer. Every answer has one of these values: without Cache-Control, an edge
 * keeps even a 404 for minutes.
 */
export const CACHE_CONTROL = {
  /** A narinfo may gain a signature, so it is not immutable. */
  metadata: `public, max-age=${HOUR}, stale-if-error=${24 * HOUR}`,
  /** Long enough for a burst of equal requests, short enough for a push that comes next. */
  absentNarinfo: "public, max-age=10, stale-if-error=0",
  /** The name is the hash of the bytes. */
  nar: `public, max-age=${YEAR}, immutable`,
  cacheInfo: `public, max-age=${HOUR}`,
  never: "no-store",
  /** For clients that had to send a token: no cache between the gateway and the client may keep the answer. */
  private: "private, no-store",
} as const;

export type CacheControl = (typeof CACHE_CONTROL)[keyof typeof CACHE_CONTROL];

export function cacheControlOfFound(key: ObjectKey): CacheControl {
  switch (key.kind) {
    case "cache-info":
      return CACHE_CONTROL.cacheInfo;
    // Old buckets have other NAR names, which say nothing about the bytes. With an
    // extension that Nix does not use, nothing can be checked either.
    case "nar":
      return key.writable ? CACHE_CONTROL.nar : CACHE_CONTROL.metadata;
    case "narinfo":
    case "listing":
    case "log":
    case "realisation":
    case "build-trace":
    case "debuginfo":
      return CACHE_CONTROL.metadata;
  }
}

/** Keeps only the absence of narinfos: Nix asks for hundreds of them, and for other objects only after it found a narinfo. */
export function cacheControlOfAbsent(key: ObjectKey): CacheControl {
  return key.kind === "narinfo" ? CACHE_CONTROL.absentNarinfo : CACHE_CONTROL.never;
}
