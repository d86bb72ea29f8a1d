import { CONTENT_TYPES } from "../../http/content-type.ts";
import { formatCacheInfo } from "../../nix/cache-info.ts";
import { CACHE_INFO_KEY } from "../../nix/object-key.ts";
import type { Push } from "./ingest.ts";

// Which buckets this isolate has seen to hold the file; asking once is enough.
const seen = new Set<string>();

/**
 * Writes `nix-cache-info` into the bucket unless it is there. The gateway makes
 * up its own answer; but without the file, readers by `s3://` could not open a
 * bucket that the gateway filled (law 1).
 */
export async function ensureCacheInfo({ bucket, reads }: Push): Promise<void> {
  const { endpoint, bucket: name, prefix } = reads.bucket;
  const identity = `${endpoint}/${name}/${prefix}`;
  if (seen.has(identity)) return;
  if ((await bucket.head(CACHE_INFO_KEY.path)) === undefined) {
    const text = formatCacheInfo({
      storeDir: reads.storeDir,
      wantMassQuery: true,
      priority: reads.priority,
    });
    const bytes = new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
    await bucket.put(CACHE_INFO_KEY.path, bytes, { contentType: CONTENT_TYPES["cache-info"] });
  }
  seen.add(identity);
}
