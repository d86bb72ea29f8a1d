import type { BucketMeter } from "../bucket/bucket.ts";
import type { ByteRange } from "../../http/request-headers.ts";
import type { ObjectKey } from "../../nix/object-key.ts";

/** A GET of one object through the edge. */
export interface EdgeRead {
  readonly key: ObjectKey;
  readonly range: ByteRange | undefined;
  /**
   * Whether the client has a push credential. `nix copy` requests every narinfo
   * just before it writes it. So for such a client the edge neither uses nor stores
   * a 404.
   */
  readonly isPushing: boolean;
}

export interface EdgeAnswer {
  /** 200, 206, 404 or 416. */
  readonly response: Response;
  readonly outcome: "hit" | "miss" | "bypass";
  /** The bucket requests for this answer that the caller's own meter did not count. */
  readonly cost?: BucketMeter;
}

/** The objects that Cloudflare gives to each request. */
export interface EdgeContext {
  waitUntil(promise: Promise<unknown>): void;
  /** The cached entrypoint. Only the edge with `EDGE=workers-cache` uses it. */
  readonly objects: CachedEntrypoint | undefined;
}

export interface CachedEntrypoint {
  fetch(request: Request): Promise<Response>;
  /**
   * Deletes up to 100 URLs from the cache in front of this entrypoint, in all data
   * centres. Returns `false` if Cloudflare refused.
   */
  purge(...urls: readonly string[]): Promise<boolean>;
}

/** An answer from the bucket. */
export interface OriginAnswer {
  readonly response: Response;
  /** Resolves when the whole body has passed, if the origin counts it. Rejects if the body is cut. */
  readonly arrived?: Promise<void>;
}

/** Answers a GET from the bucket (see `serve/origin.ts`). */
export type Origin = (key: ObjectKey, range: ByteRange | undefined) => Promise<OriginAnswer>;

/** A cache in front of the bucket that keeps what the origin's Cache-Control allows. */
export interface Edge {
  read(read: EdgeRead, origin: Origin, context: EdgeContext): Promise<EdgeAnswer>;
  /**
   * Deletes the entry in this data centre, after a write. Entries in other data
   * centres expire on their own.
   */
  forget(key: ObjectKey): Promise<void>;
  /**
   * Deletes the entries in as many places as the edge can reach, after a deletion.
   * Returns `false` if Cloudflare refused some. Use it rarely: Cloudflare allows 5
   * purges a minute, of 100 entries each.
   */
  purge(keys: readonly ObjectKey[], context: EdgeContext): Promise<boolean>;
}

/** An edge that stores nothing and reads from the bucket every time (`EDGE=off`). */
export const noEdge: Edge = {
  async read({ key, range }, origin) {
    const { response } = await origin(key, range);
    return { response, outcome: "bypass" };
  },
  async forget() {},
  async purge() {
    return true;
  },
};
