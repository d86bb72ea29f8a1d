import { ClientError, describeError } from "../client/client-error.ts";
import { CacheRefusal, createCacheClient } from "../client/gateway/cache-client.ts";
import { type GatewayFacts, readGatewayFacts } from "../client/gateway/gateway-facts.ts";
import { createHttpClient, type HttpRetries, Unreachable } from "../client/gateway/http-client.ts";
import type { TokenSource } from "../client/gateway/open-cache.ts";
import type { TokenFacts } from "../client/gateway/token-facts.ts";
import type { ActionContext } from "./action-context.ts";
import type { Inputs } from "./read-inputs.ts";
import type { TokenKind } from "./token-sources.ts";

/** What becomes of what the job builds. */
export type PushPlan =
  | { readonly kind: "push"; readonly by: TokenKind; readonly name: string }
  /** The cache did not answer; it may when the job ends. */
  | { readonly kind: "try"; readonly by: TokenKind; readonly reason: string }
  | {
      readonly kind: "pull-only";
      readonly reason: string;
      /** Whether the workflow's author can have meant it so. */
      readonly isMeant: boolean;
    };

export interface PushQuestion {
  readonly inputs: Pick<Inputs, "push">;
  /** Where the code comes from, if not from the workflow's own repository. */
  readonly fork: string | undefined;
  readonly cache: Pick<GatewayFacts, "uploads"> | CacheTrouble;
  readonly sources: ReadonlyMap<TokenKind, TokenSource>;
  /** What the cache says of a source's token. */
  readonly ask: (source: TokenSource) => Promise<TokenFacts>;
}

/** Decides at the job's start whether it may push, so that nobody builds for an hour to learn it. */
export async function planPush(question: PushQuestion): Promise<PushPlan> {
  const { inputs, fork, cache, sources, ask } = question;
  if (!inputs.push) return pullOnly("the input push is false", true);
  if (fork !== undefined) return pullOnly(`its code is that of ${fork}, a fork`, true);
  const [first] = sources.keys();
  if (first === undefined) {
    return pullOnly(
      "it has no token: give the job `permissions: id-token: write`, or this step the input token",
    );
  }
  if ("reason" in cache) {
    const { reason, isPassing } = cache;
    return isPassing ? { kind: "try", by: first, reason } : pullOnly(reason);
  }
  if (!cache.uploads) return pullOnly("the cache takes no uploads");

  const reasons: string[] = [];
  for (const [by, source] of sources) {
    try {
      const { name, scopes } = await ask(source);
      if (scopes.includes("push") || scopes.includes("admin")) return { kind: "push", by, name };
      reasons.push(`${name} may not push: its scopes are ${scopes.join(", ") || "none"}`);
    } catch (error) {
      const { reason, isPassing } = asTrouble(error);
      if (isPassing) return { kind: "try", by, reason };
      reasons.push(`${source.name}'s token was refused: ${reason}`);
    }
  }
  return pullOnly(reasons.join("; "));
}

function pullOnly(reason: string, isMeant = false): PushPlan {
  return { kind: "pull-only", reason, isMeant };
}

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
