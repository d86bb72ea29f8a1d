declare const brand: unique symbol;

/**
 * The path of an object in which the gateway keeps what it cannot read from the cache
 * itself: below `.nargate/`, relative to the prefix. No route reads there, because no
 * `ObjectPath` begins with a dot.
 */
export type OwnPath = string & { readonly [brand]: "OwnPath" };

/** Holds the result of the last payload probe; see `ingest/direct/payload-check.ts`. */
export const PAYLOAD_CHECK_PATH = ".nargate/payload-check.json" as OwnPath;
