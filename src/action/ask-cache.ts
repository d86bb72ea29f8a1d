import { CacheRefusal, createCacheClient } from "../client/gateway/cache-client.ts";
import { type GatewayFacts, readGatewayFacts } from "../client/gateway/gateway-facts.ts";
import { createHttpClient, type HttpRetries, Unreachable } from "../client/gateway/http-client.ts";
import { ClientError, describeError } from "../client/client-error.ts";
import type { ActionContext } from "./action-context.ts";

/** A job does not wait for minutes for a cache that is away. */
export const QUICK_RETRIES: HttpRetries = { attempts: 4, idleMilliseconds: 20_000 };

/** Why nothing can be done with a cache for now. */
export interface CacheTrouble {
  readonly reason: string;
  /** Whether it may be over when the job ends. */
  readonly isPassing: boolean;
}

/** What the cache says of itself to anyone. */
export async function askCache(
  url: string,
  storeDir: string,
  context: ActionContext,
): Promise<GatewayFacts | CacheTrouble> {
  const http = createHttpClient(context, QUICK_RETRIES);
  try {
    const facts = await readGatewayFacts(createCacheClient(url, async () => undefined, http));
    if (facts.storeDir === storeDir) return facts;
    throw new ClientError(`${url} is for paths in ${facts.storeDir}, and Nix here has ${storeDir}`);
  } catch (error) {
    context.signal.throwIfAborted();
    return asTrouble(error);
  }
}

export function asTrouble(error: unknown): CacheTrouble {
  const isPassing =
    error instanceof CacheRefusal
      ? error.status >= 500 || error.status === 429
      : error instanceof Unreachable;
  return { reason: describeError(error), isPassing };
}
