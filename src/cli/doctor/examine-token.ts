import type { FoundToken } from "../../client/gateway/find-token.ts";
import { type CacheClient, CacheRefusal } from "../../client/gateway/cache-client.ts";
import { readTokenFacts, type TokenFacts } from "../../client/gateway/token-facts.ts";
import type { Finding } from "../../checks/finding.ts";

const WARNED_DAYS = 7;

export interface TokenExamination {
  readonly finding: Finding;
  /** Undefined without a token that works. */
  readonly facts: TokenFacts | undefined;
}

/** Whether the token works, for what, and until when. */
export async function examineToken(
  client: CacheClient,
  token: FoundToken | undefined,
  now: Date,
): Promise<TokenExamination> {
  const check = "token";
  if (token === undefined) {
    const says = "none given, by NARGATE_TOKEN, --token-file or netrc";
    return { finding: { check, verdict: "skipped", says }, facts: undefined };
  }
  try {
    const facts = await readTokenFacts(client);
    return { finding: judgeToken(facts, token.source, now), facts };
  } catch (error) {
    if (!(error instanceof CacheRefusal)) throw error;
    const says = `the one of ${token.source}: ${error.message}`;
    const remedy =
      "Is it for this cache? --token-file is looked at first, then NARGATE_TOKEN, then netrc.";
    return { finding: { check, verdict: "FAIL", says, remedy }, facts: undefined };
  }
}

export function judgeToken(
  { name, scopes, expires }: TokenFacts,
  source: string,
  now: Date,
): Finding {
  const says = `${name} (of ${source}): ${scopes.join(", ")}, ${expires === undefined ? "no expiry told" : `until ${expires}`}`;
  const soon = new Date(now.getTime() + WARNED_DAYS * 86_400_000).toISOString().slice(0, 10);
  if (expires === undefined || expires > soon) return { check: "token", verdict: "ok", says };
  return {
    check: "token",
    verdict: "warn",
    says,
    remedy: "It ends within a week: ask the operator of the cache for a new one.",
  };
}
