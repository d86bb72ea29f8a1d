import type { FoundToken } from "../../client/gateway/find-token.ts";
import { type CacheClient, CacheRefusal } from "../../client/gateway/cache-client.ts";
import { readTokenFacts, type TokenFacts } from "../../client/gateway/token-facts.ts";
import type { Finding } from "../../checks/finding.ts";
import { faultRemedy } from "./fault-remedy.ts";

const WARNED_DAYS = 7;

export interface TokenExamination {
  readonly finding: Finding;
  /** `undefined` if there is no token, or the token does not work. */
  readonly facts: TokenFacts | undefined;
}

/** Checks that the token works for more than a week, and shows its scopes. */
export async function examineToken(
  client: CacheClient,
  token: FoundToken | undefined,
  now: Date,
): Promise<TokenExamination> {
  const check = "token";
  if (token === undefined) {
    const says = "no token was given with --token-file, NARGATE_TOKEN or netrc";
    return { finding: { check, verdict: "skipped", says }, facts: undefined };
  }
  try {
    const facts = await readTokenFacts(client);
    return { finding: judgeToken(facts, token.source, now), facts };
  } catch (error) {
    if (!(error instanceof CacheRefusal)) throw error;
    const says = `the token of ${token.source}: ${error.message}`;
    const remedy =
      faultRemedy(error.status) ??
      "Check that the token is for this cache. This command uses --token-file first, then NARGATE_TOKEN, then netrc.";
    return { finding: { check, verdict: "FAIL", says, remedy }, facts: undefined };
  }
}

export function judgeToken(
  { name, scopes, expires }: TokenFacts,
  source: string,
  now: Date,
): Finding {
  const says = `${name} (of ${source}): ${scopes.join(", ")}, ${expires === undefined ? "no expiry date known" : `valid until ${expires}`}`;
  const soon = new Date(now.getTime() + WARNED_DAYS * 86_400_000).toISOString().slice(0, 10);
  if (expires === undefined || expires > soon) return { check: "token", verdict: "ok", says };
  return {
    check: "token",
    verdict: "warn",
    says,
    remedy: "The token expires within a week. Ask the operator of the cache for a new token.",
  };
}
