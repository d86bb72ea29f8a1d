import { ENDPOINTS } from "../../api/endpoints.ts";
import { MAX_PURGED } from "../../api/purge.ts";
import { type CacheClient, CacheRefusal, refusalOf } from "./cache-client.ts";

/** Deletes objects of a cache. Needs a token with the scope admin. */
export interface DeletionApi {
  /**
   * Deletes one object, such as `<hash>.narinfo`, and leaves its entries at the edge. Returns
   * false if it does not exist. Throws `CacheRefusal` if the gateway refuses.
   */
  remove(path: string, isForced: boolean): Promise<boolean>;
  /** Drops objects from the edge. Returns false if Cloudflare refused some of them. */
  purge(paths: readonly string[]): Promise<boolean>;
}

export function createDeletionApi(client: CacheClient): DeletionApi {
  return {
    async remove(path, isForced) {
      const target = `${path}?purge=false${isForced ? "&force=true" : ""}`;
      const answer = await client.send({ method: "DELETE", target });
      if (answer.status === 204) return true;
      if (answer.status === 404) return false;
      throw refusalOf(`DELETE ${path}`, answer);
    },

    async purge(paths) {
      for (let at = 0; at < paths.length; at += MAX_PURGED) {
        const some = paths.slice(at, at + MAX_PURGED);
        try {
          await client.call("POST", ENDPOINTS.purge, { paths: some });
        } catch (error) {
          if (error instanceof CacheRefusal && error.code === "edge-not-purged") return false;
          throw error;
        }
      }
      return true;
    },
  };
}
