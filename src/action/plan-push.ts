import { ClientError, describeError } from "../client/client-error.ts";
import { CacheRefusal, createCacheClient } from "../client/gateway/cache-client.ts";
import { type GatewayFacts, readGatewayFacts } from "../client/gateway/gateway-facts.ts";
import { createHttpClient, type HttpRetries, Unreachable } from "../client/gateway/http-client.ts";
import type { TokenSource } from "../client/gateway/open-cache.ts";
import type { TokenFacts } from "../client/gateway/token-facts.ts";
import type { ActionContext } from "./action-context.ts";
import type { Inputs } from "./read-inputs.ts";
import type { TokenKind } from "./token-sources.ts";

/** The decision whether the job pushes. */
export type PushPlan =
  | { readonly kind: "push"; readonly by: TokenKind; readonly name: string }
  /** The cache did not answer. The job tries again when it ends. */
  | { readonly kind: "try"; readonly by: TokenKind; readonly reason: string }
  | {
      readonly kind: "pull-only";
      readonly reason: string;
      /** Whether this is intended: an input says so, or the code is from a fork. */
      readonly isMeant: boolean;
    };

export interface PushQuestion {
  readonly inputs: Pick<Inputs, "push">;
  /** The fork from which the code comes, or undefined. */
  readonly fork: string | undefined;
  readonly cache: Pick<GatewayFacts, "uploads"> | CacheTrouble;
  readonly sources: ReadonlyMap<TokenKind, TokenSource>;
  /** Asks the cache for the facts about a token of this source. */
  readonly ask: (source: TokenSource) => Promise<TokenFacts>;
}

/**
 * Decides whether the job may push. This happens at its start, so the user sees a
 * problem before a long build.
 */
export async function planPush(question: PushQuestion): Promise<PushPlan> {
  const { inputs, fork, cache, sources, ask } = question;
  if (!inputs.push) return pullOnly("the input push is false", true);
  if (fork !== undefined) return pullOnly(`its code comes from ${fork}, a fork`, true);
  const [first] = sources.keys();
  if (first === undefined) {
    return pullOnly(
      "it has no token. Give the job `permissions: id-token: write`, or set the input token of this step",
    );
  }
  if ("reason" in cache) {
    const { reason, isPassing } = cache;
    return isPassing ? { kind: "try", by: first, reason } : pullOnly(reason);
  }
  if (!cache.uploads) return pullOnly("the cache does not accept pushes");

  const reasons: string[] = [];
  for (const [by, source] of sources) {
    try {
      const { name, scopes } = await ask(source);
      if (scopes.includes("push") || scopes.includes("admin")) return { kind: "push", by, name };
      reasons.push(`the token ${name} may not push: its scopes are ${scopes.join(", ") || "none"}`);
    } catch (error) {
      const { reason, isPassing } = asTrouble(error);
      if (isPassing) return { kind: "try", by, reason };
      reasons.push(`the cache refused the token from ${source.name}: ${reason}`);
    }
  }
  return pullOnly(reasons.join("; "));
}

function pullOnly(reason: string, isMeant = false): PushPlan {
  return { kind: "pull-only", reason, isMeant };
}

/** Few attempts, because a job must not wait for minutes for a cache that is unavailable. */
export const QUICK_RETRIES: HttpRetries = { attempts: 4, idleMilliseconds: 20_000 };

/** The reason why the cache cannot be used. */
export interface CacheTrouble {
  readonly reason: string;
  /** Whether the problem may be over when the job ends. */
  readonly isPassing: boolean;
}

/** Asks the cache for its facts, without a token. */
export async function askCache(
  url: string,
  storeDir: string,
  context: ActionContext,
): Promise<GatewayFacts | CacheTrouble> {
  const http = createHttpClient(context, QUICK_RETRIES);
  try {
    const facts = await readGatewayFacts(createCacheClient(url, async () => undefined, http));
    if (facts.storeDir === storeDir) return facts;
    throw new ClientError(
      `${url} is for the store directory ${facts.storeDir}, but Nix on this runner uses ${storeDir}`,
    );
  } catch (error) {
    context.signal.throwIfAborted();
    return asTrouble(error);
  }
}

/**
 * Returns the trouble that an error means. A busy, failing or unreachable cache
 * may be over later.
 */
export function asTrouble(error: unknown): CacheTrouble {
  const isPassing =
    error instanceof CacheRefusal
      ? error.status >= 500 || error.status === 429
      : error instanceof Unreachable;
  return { reason: describeError(error), isPassing };
}
