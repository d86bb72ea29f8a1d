import { ClientError } from "../client-error.ts";
import { type CacheClient, CacheRefusal } from "./cache-client.ts";

/**
 * Returns `client.call` for endpoints that an older gateway lacks. Throws `ClientError` for
 * such a gateway. `lack` is a predicate about the cache, such as "knows no pins".
 */
export function createNewerCall(client: CacheClient, lack: string): CacheClient["call"] {
  return async (method, target, input) => {
    try {
      return await client.call(method, target, input);
    } catch (error) {
      if (!(error instanceof CacheRefusal) || error.code !== "no-such-endpoint") throw error;
      throw new ClientError(
        `this cache ${lack}: its gateway is older than this command. Ask its operator to deploy a newer version`,
        { cause: error },
      );
    }
  };
}
