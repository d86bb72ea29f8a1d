import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders, CONTENT_TYPES } from "../../../http/response-headers.ts";
import { formatCacheInfo } from "../../../nix/cache-info.ts";
import { admitReader } from "../admit.ts";
import { cacheReads, type Exchange } from "../exchange.ts";

/**
 * GET and HEAD of `/nix-cache-info`. The gateway makes it from the settings: the
 * file that Nix wrote into the bucket has no priority, which means "ask me first".
 */
export async function readCacheInfo(exchange: Exchange): Promise<Response> {
  await admitReader(exchange);
  const { storeDir, priority, isPrivate } = cacheReads(exchange);
  const text = formatCacheInfo({ storeDir, wantMassQuery: true, priority });
  return new Response(exchange.request.method === "HEAD" ? null : text, {
    headers: answerHeaders(
      CONTENT_TYPES["cache-info"],
      isPrivate ? CACHE_CONTROL.private : CACHE_CONTROL.cacheInfo,
    ),
  });
}
