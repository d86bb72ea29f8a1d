import type { ObjectKey } from "../nix/object-key.ts";

const HOUR = 3600;
const YEAR = 365 * 24 * HOUR;

/**
 * How long an answer may be kept, by the edge and by anyone behind it. Every
 * answer carries one of these: without Cache-Control an edge keeps even a 404
 * for minutes.
 */
export const CACHE_CONTROL = {
  /** A narinfo may gain a signature, so it is not immutable. */
  metadata: `public, max-age=${HOUR}, stale-if-error=${24 * HOUR}`,
  /** Long enough to absorb a burst of the same question, short enough for a push that follows it. */
  absentNarinfo: "public, max-age=10, stale-if-error=0",
  /** The name is the hash of the bytes. */
  nar: `public, max-age=${YEAR}, immutable`,
  cacheInfo: `public, max-age=${HOUR}`,
  never: "no-store",
  /** To a client that had to show a token: nothing between us may keep it. */
  private: "private, no-store",
} as const;

export type CacheControl = (typeof CACHE_CONTROL)[keyof typeof CACHE_CONTROL];

export function cacheControlOfFound(key: ObjectKey): CacheControl {
  switch (key.kind) {
    case "cache-info":
      return CACHE_CONTROL.cacheInfo;
    // Other NAR names, as found in old buckets, do not vouch for their bytes.
    case "nar":
      return key.fileHash === undefined ? CACHE_CONTROL.metadata : CACHE_CONTROL.nar;
    case "narinfo":
    case "listing":
    case "log":
    case "realisation":
    case "build-trace":
    case "debuginfo":
      return CACHE_CONTROL.metadata;
  }
}

/** Only narinfos: Nix asks for them by the hundred, and for everything else only once a narinfo was found. */
export function cacheControlOfAbsent(key: ObjectKey): CacheControl {
  return key.kind === "narinfo" ? CACHE_CONTROL.absentNarinfo : CACHE_CONTROL.never;
}
