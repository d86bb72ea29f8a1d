import { formatCacheInfo, parseCacheInfo } from "../../nix/cache-info.ts";
import { CACHE_INFO_KEY } from "../../nix/object-key.ts";
import { CacheError } from "../cache-error.ts";
import { commitDocument } from "./commit.ts";
import type { Push } from "./push-context.ts";

/**
 * Accepts a pushed `nix-cache-info` that names this cache's store directory, and
 * makes sure that the bucket has one. Throws `cache-info-conflict` for another
 * store directory.
 */
export async function publishCacheInfo(text: string, push: Push): Promise<void> {
  const info = parseCacheInfo(text);
  const { storeDir } = push.cache;
  if (!info.ok || (info.value.storeDir ?? storeDir) !== storeDir) {
    throw new CacheError("cache-info-conflict", "another StoreDir", { subject: `(${storeDir}).` });
  }
  await ensureCacheInfo(push);
}

const RECHECK_MILLISECONDS = 3_600_000;

/**
 * Writes `nix-cache-info` into the bucket unless it exists. The gateway answers
 * without it, but readers by `s3://` could not open a bucket that only the
 * gateway has filled (law 1). An isolate asks each bucket once an hour, because an
 * operator may empty a bucket while isolates live.
 */
export async function ensureCacheInfo(push: Push): Promise<void> {
  const { bucket, cache, clock, memory } = push;
  const { bucketId, storeDir, priority } = cache;
  const now = clock.now().getTime();
  if (now - (memory.cacheInfoSeenAt.get(bucketId) ?? -Infinity) < RECHECK_MILLISECONDS) return;
  if ((await bucket.head(CACHE_INFO_KEY.path)) === undefined) {
    const text = formatCacheInfo({ storeDir, wantMassQuery: true, priority });
    await commitDocument(CACHE_INFO_KEY, text, push);
  }
  memory.cacheInfoSeenAt.set(bucketId, now);
}
