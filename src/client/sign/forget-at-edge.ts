import { ENDPOINTS } from "../../api/endpoints.ts";
import { narinfoKey } from "../../nix/object-key.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { createCacheClient } from "../gateway/cache-client.ts";
import { createHttpClient } from "../gateway/http-client.ts";
import type { OpenCache } from "../gateway/open-cache.ts";
import type { ProcessContext } from "../process-context.ts";

/** Cloudflare allows 5 purges a minute (docs/http.md). */
const MAX_PURGES = 5;

/** A refused purge is not worth the minutes until the next one is allowed. */
const ONCE = { attempts: 1, idleMilliseconds: 20_000 };

/**
 * Drops the former narinfos of a few paths from the edge. Returns the sentence about when
 * readers see the new signatures.
 */
export async function forgetAtEdge(
  hashes: readonly StorePathHash[],
  { client: { url }, token }: Pick<OpenCache, "client" | "token">,
  context: ProcessContext,
): Promise<string> {
  if (hashes.length <= MAX_PURGES) {
    const client = createCacheClient(
      url,
      async () => token?.token,
      createHttpClient(context, ONCE),
    );
    try {
      for (const hash of hashes) {
        await client.call("POST", ENDPOINTS.purge, { path: narinfoKey(hash).path });
      }
      return CLIENTS;
    } catch {
      // The signatures are stored. Only the edge is late, and the sentence below says so.
    }
  }
  return EDGE + CLIENTS;
}

const EDGE =
  "Cloudflare may keep the former narinfos for an hour. To let readers see the signatures at once, give EDGE_EPOCH another value and deploy.\n";
const CLIENTS =
  'A client that asked this cache for a path before it was signed remembers the narinfo for 30 days. "Move from s3://" in the README says how it forgets.\n';
