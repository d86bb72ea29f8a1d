import { authenticate } from "../access/authenticate.ts";
import { hasScope, type Scope, type TokenEntry } from "../access/token.ts";
import { formatProblems, type WriteConfig } from "../config.ts";
import { CacheError } from "../errors.ts";
import { readCredential } from "../http/credential.ts";
import { type Exchange, readConfig } from "./exchange.ts";

/** The token that the request shows, if it is one of ours. */
export async function findToken(exchange: Exchange): Promise<TokenEntry | undefined> {
  const { config, now } = exchange.gateway;
  const credential = readCredential(exchange.request.headers);
  exchange.token =
    credential === undefined ? undefined : await authenticate(credential, config.tokens, now());
  return exchange.token;
}

/**
 * Lets a reader in. A public cache lets in everyone, whatever credential they
 * show. `isPushing` tells that this one may push, and so perhaps is about to.
 */
export async function admitReader(exchange: Exchange): Promise<{ readonly isPushing: boolean }> {
  const { isPrivate } = readConfig(exchange.gateway);
  const token = await findToken(exchange);
  if (isPrivate) requireScope(token, exchange, "read");
  return { isPushing: token !== undefined && hasScope(token, "push") };
}

/** Lets a writer in, and says which settings stop all writers. */
export async function admitWriter(
  exchange: Exchange,
  scope: Scope,
): Promise<{ readonly writes: WriteConfig; readonly by: string }> {
  const { config } = exchange.gateway;
  if (!config.writes.ok) {
    throw new CacheError("misconfigured", formatProblems(config.writes.error));
  }
  if (config.tokens.length === 0) throw new CacheError("uploads-off", "TOKENS is empty");
  return {
    writes: config.writes.value,
    by: requireScope(await findToken(exchange), exchange, scope).name,
  };
}

function requireScope(
  token: TokenEntry | undefined,
  { request }: Exchange,
  scope: Scope,
): TokenEntry {
  if (token === undefined) {
    const isMissing = readCredential(request.headers) === undefined;
    throw new CacheError(isMissing ? "credential-missing" : "credential-wrong", scope);
  }
  if (!hasScope(token, scope)) {
    throw new CacheError("scope-missing", `${token.name} lacks ${scope}`, { subject: `${scope}.` });
  }
  return token;
}
