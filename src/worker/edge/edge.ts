import type { BucketMeter } from "../bucket/bucket.ts";
import type { ByteRange } from "../../http/request-headers.ts";
import type { ObjectKey } from "../../nix/object-key.ts";

/** A GET of one object through the edge. */
export interface EdgeRead {
  readonly key: ObjectKey;
  readonly range: ByteRange | undefined;
  /**
   * Whether the asker is about to push. `nix copy` asks for every narinfo just
   * before it writes them, so an absence is neither believed nor kept for it.
   */
  readonly isPushing: boolean;
}

export interface EdgeAnswer {
  /** 200, 206, 404 or 416. */
  readonly response: Response;
  readonly outcome: "hit" | "miss" | "bypass";
  /** What it cost at the bucket where the caller's own meter did not see it. */
  readonly cost?: BucketMeter;
}

/** What the platform gives each request. */
export interface EdgeContext {
  waitUntil(promise: Promise<unknown>): void;
  /** The cached entrypoint; only the engine of Workers Cache uses it. */
  readonly objects: CachedEntrypoint | undefined;
}

export interface CachedEntrypoint {
  fetch(request: Request): Promise<Response>;
  /** Has the cache before it forget one URL, everywhere; false if that was refused. */
  purge(url: string): Promise<boolean>;
}

/** Answers from the bucket; see `serve/origin.ts`. */
export type Origin = (key: ObjectKey, range: ByteRange | undefined) => Promise<Response>;

/** A cache in front of the bucket that keeps what the origin's Cache-Control allows. */
export interface Edge {
  read(read: EdgeRead, origin: Origin, context: EdgeContext): Promise<EdgeAnswer>;
  /** Drops this data centre's entry, after a write; others run out by themselves. */
  forget(key: ObjectKey): Promise<void>;
  /**
   * Drops the entry wherever that is possible, after a deletion; false if it was
   * refused. Rare: Cloudflare allows 5 a minute.
   */
  purge(key: ObjectKey, context: EdgeContext): Promise<boolean>;
}

/** Asks the bucket every time. */
export const noEdge: Edge = {
  async read({ key, range }, origin) {
    return { response: await origin(key, range), outcome: "bypass" };
  },
  async forget() {},
  async purge() {
    return true;
  },
};
