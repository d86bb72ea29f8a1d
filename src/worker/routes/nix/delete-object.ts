import { CacheError } from "../../cache-error.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { parseObjectKey } from "../../../nix/object-key.ts";
import { commitDeletion } from "../../ingest/commit.ts";
import { admitWriter } from "../admit.ts";
import { cacheReads, type Exchange, openBucket, rawObjectPath } from "../exchange.ts";
import { catalogOf } from "../catalog-of.ts";

/**
 * DELETE of a narinfo unpublishes a store path. DELETE of a NAR removes bytes that
 * a narinfo may still name, so it needs `?force=true`. The bucket keeps a deleted
 * object as an older version, until its lifecycle rule drops it.
 */
export async function deleteObject(exchange: Exchange): Promise<Response> {
  const { gateway, request, requestId, edgeContext } = exchange;
  const { by } = await admitWriter(exchange, "admin");
  const parsed = parseObjectKey(rawObjectPath(request.url));
  if (!parsed.ok || (parsed.value.kind !== "narinfo" && parsed.value.kind !== "nar")) {
    throw new CacheError("not-deletable", parsed.ok ? parsed.value.path : parsed.error);
  }
  const key = parsed.value;
  exchange.key = key;
  const isForced = new URL(request.url).searchParams.get("force") === "true";
  if (key.kind === "nar" && !isForced) throw new CacheError("nar-may-be-named", key.path);

  const cache = cacheReads(exchange);
  const bucket = openBucket(exchange);
  const { memory } = gateway;
  const { existed, isPurged } = await commitDeletion(
    key,
    { cache, bucket, edge: gateway.openEdge(cache), memory },
    edgeContext,
  );
  const catalog = catalogOf(exchange);
  if (key.kind === "narinfo" && catalog !== undefined) {
    // What is lost, the next listing finds.
    edgeContext.waitUntil(catalog.noteDeleted([key.hash]).catch(() => {}));
  }
  gateway.log("warn", "deleted", {
    requestId,
    path: key.path,
    by,
    forced: isForced,
    wasThere: existed,
    purged: isPurged,
  });
  if (!isPurged) throw new CacheError("purge-refused", key.path, { retryAfterSeconds: 60 });
  if (!existed) throw new CacheError("not-found", key.path);
  return new Response(null, { status: 204, headers: { "cache-control": CACHE_CONTROL.never } });
}
