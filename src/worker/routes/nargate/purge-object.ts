import { purgeSchema } from "../../../api/purge.ts";
import { parseObjectKey } from "../../../nix/object-key.ts";
import { CacheError } from "../../cache-error.ts";
import { purgeEdge } from "../../ingest/commit.ts";
import { admitWriter } from "../admit.ts";
import { cacheReads, type Exchange } from "../exchange.ts";
import { answerJson, malformed, readRequest } from "./api-request.ts";

/**
 * POST `/api/v1/purge`: drops one object from the edge. For an object that somebody
 * has replaced in the bucket itself; the gateway purges what it changes.
 */
export async function purgeObject(exchange: Exchange): Promise<Response> {
  const { gateway, request, requestId, edgeContext } = exchange;
  const { by } = await admitWriter(exchange, "admin");
  const { path } = await readRequest(request, purgeSchema);
  const key = parseObjectKey(path.startsWith("/") ? path : `/${path}`);
  if (!key.ok) throw malformed(`path: ${key.error}`);
  exchange.key = key.value;
  const edge = gateway.openEdge(cacheReads(exchange));
  const isPurged = await purgeEdge(key.value, edge, edgeContext);
  gateway.log("warn", "purged", { requestId, path: key.value.path, by, purged: isPurged });
  if (!isPurged) throw new CacheError("edge-not-purged", key.value.path, { retryAfterSeconds: 60 });
  return answerJson({ purged: true });
}
