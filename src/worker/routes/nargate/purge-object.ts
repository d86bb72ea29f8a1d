import { purgeSchema } from "../../../api/purge.ts";
import { parseObjectKey } from "../../../nix/object-key.ts";
import { CacheError } from "../../cache-error.ts";
import { purgeEdge } from "../../ingest/commit.ts";
import { admitWriter } from "../admit.ts";
import { cacheReads, type Exchange } from "../exchange.ts";
import { answerJson, malformed, readRequest } from "./api-request.ts";

/**
 * POST `/api/v1/purge`: drops up to 100 objects from the edge. For objects that somebody
 * has replaced in the bucket itself; the gateway purges what it changes.
 */
export async function purgeObject(exchange: Exchange): Promise<Response> {
  const { gateway, request, requestId, edgeContext } = exchange;
  const { by } = await admitWriter(exchange, "admin");
  const body = await readRequest(request, purgeSchema);
  const keys = ("paths" in body ? body.paths : [body.path]).map((path) => {
    const key = parseObjectKey(path.startsWith("/") ? path : `/${path}`);
    if (!key.ok) throw malformed(`path: ${key.error}`);
    return key.value;
  });
  exchange.key = keys[0];
  const edge = gateway.openEdge(cacheReads(exchange));
  const isPurged = await purgeEdge(keys, edge, edgeContext);
  for (const { path } of keys) {
    gateway.log("warn", "purged", { requestId, path, by, purged: isPurged });
  }
  if (!isPurged) {
    throw new CacheError("edge-not-purged", `${keys.length} objects`, { retryAfterSeconds: 60 });
  }
  return answerJson({ purged: true });
}
