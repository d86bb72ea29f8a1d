import { CacheError } from "../cache-error.ts";
import { CACHE_CONTROL } from "../../http/cache-control.ts";
import { CONTENT_TYPES } from "../../http/content-type.ts";
import { ensureCacheInfo } from "../ingest/ensure-cache-info.ts";
import type { Push } from "../ingest/ingest.ts";
import { formatCacheInfo, parseCacheInfo } from "../../nix/cache-info.ts";
import { admitReader } from "./admit.ts";
import { type Exchange, readConfig } from "./exchange.ts";

/**
 * GET and HEAD of `/nix-cache-info`: made up from the settings, since the file
 * that Nix wrote into the bucket has no priority, which means "ask me first".
 */
export async function readCacheInfo(exchange: Exchange): Promise<Response> {
  await admitReader(exchange);
  const { storeDir, priority, isPrivate } = readConfig(exchange.gateway);
  const text = formatCacheInfo({ storeDir, wantMassQuery: true, priority });
  return new Response(exchange.request.method === "HEAD" ? null : text, {
    headers: {
      "content-type": CONTENT_TYPES["cache-info"],
      "cache-control": isPrivate ? CACHE_CONTROL.private : CACHE_CONTROL.cacheInfo,
      "x-content-type-options": "nosniff",
    },
  });
}

/** PUT of it: accepted if it is about the same store directory, and then only made sure of. */
export async function writeCacheInfo(text: string, push: Push): Promise<void> {
  const info = parseCacheInfo(text);
  const { storeDir } = push.reads;
  if (!info.ok || (info.value.storeDir ?? storeDir) !== storeDir) {
    throw new CacheError("cache-info-conflict", "another StoreDir", { subject: `(${storeDir}).` });
  }
  await ensureCacheInfo(push);
}
