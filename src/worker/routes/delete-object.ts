import { CacheError } from "../cache-error.ts";
import { CACHE_CONTROL } from "../../http/cache-control.ts";
import { parseObjectKey } from "../../nix/object-key.ts";
import { admitWriter } from "./admit.ts";
import { type Exchange, openBucket, rawPath } from "./exchange.ts";

/**
 * DELETE of a narinfo unpublishes a store path; DELETE of a NAR removes bytes
 * that a narinfo may still name, and so must be forced. The bucket keeps what
 * was deleted as an older version, until its lifecycle rule drops it.
 */
export async function deleteObject(exchange: Exchange): Promise<Response> {
  const { gateway, request, requestId, edge } = exchange;
  const { by } = await admitWriter(exchange, "admin");
  const parsed = parseObjectKey(rawPath(request.url));
  if (!parsed.ok || (parsed.value.kind !== "narinfo" && parsed.value.kind !== "nar")) {
    throw new CacheError("not-deletable", parsed.ok ? parsed.value.path : parsed.error);
  }
  const key = parsed.value;
  exchange.key = key;
  const isForced = new URL(request.url).searchParams.get("force") === "true";
  if (key.kind === "nar" && !isForced) throw new CacheError("nar-may-be-named", key.path);

  const bucket = openBucket(exchange);
  const isThere = (await bucket.head(key.path)) !== undefined;
  if (isThere) await bucket.delete(key.path);
  // Also when it is gone already: a purge that was refused can so be repeated.
  const purged = await gateway.edge.purge(key, edge).catch(() => false);
  gateway.log("warn", "deleted", {
    requestId,
    path: key.path,
    by,
    forced: isForced,
    wasThere: isThere,
    purged,
  });
  if (!purged) throw new CacheError("purge-refused", key.path, { retryAfterSeconds: 60 });
  if (!isThere) throw new CacheError("not-found", key.path);
  return new Response(null, { status: 204, headers: { "cache-control": CACHE_CONTROL.never } });
}
