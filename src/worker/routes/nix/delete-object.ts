import { CacheError } from "../../cache-error.ts";
import type { CatalogPort } from "../../catalog/catalog.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { parseObjectKey } from "../../../nix/object-key.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { commitDeletion } from "../../ingest/commit.ts";
import { admitWriter } from "../admit.ts";
import { refuseNamedNar, refuseNeededPath } from "./refuse-needed.ts";
import { cacheReads, type Exchange, openBucket, rawObjectPath } from "../exchange.ts";
import { catalogOf } from "../catalog-of.ts";

/**
 * DELETE of a narinfo unpublishes a store path, unless a pin keeps it or others need it.
 * DELETE of a NAR removes bytes that a narinfo may still name, unless the catalog knows
 * better. With `?force=true` nothing is looked at. With `?purge=false` the client purges
 * many objects at once later. The bucket keeps a deleted object as an
 * older version, until its lifecycle rule drops it.
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
  const options = new URL(request.url).searchParams;
  const isForced = options.get("force") === "true";
  const cache = cacheReads(exchange);
  const bucket = openBucket(exchange);
  let heldUntil: number | undefined;
  if (!isForced) {
    if (key.kind === "nar") await refuseNamedNar(key, exchange);
    else heldUntil = await refuseNeededPath(key, bucket, exchange);
  }

  const { memory } = gateway;
  const { existed, isPurged } = await commitDeletion(
    key,
    { cache, bucket, edge: gateway.openEdge(cache), memory },
    edgeContext,
    { isPurging: options.get("purge") !== "false", once: heldUntil !== undefined },
  );
  const catalog = catalogOf(exchange);
  if (key.kind === "narinfo" && catalog !== undefined) {
    // Before the answer, so that what it needed can be deleted next. What is lost, the next
    // listing finds.
    await noteDeletion(catalog, key.hash, heldUntil).catch(() => {});
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

async function noteDeletion(
  catalog: CatalogPort,
  hash: StorePathHash,
  heldUntil: number | undefined,
): Promise<void> {
  if (heldUntil === undefined) await catalog.noteDeleted([hash]);
  else await catalog.endDeletion(hash, heldUntil);
}
