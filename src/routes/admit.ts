import { authenticate } from "../access/authenticate.ts";
import { hasScope, type Scope, type TokenEntry } from "../access/token.ts";
import type { WriteConfig } from "../config.ts";
import { CacheError } from "../errors.ts";
import { readCredential } from "../http/credential.ts";
import { type Exchange, readConfig } from "./exchange.ts";

/**
 * Lets a reader in. A public cache lets in everyone, whatever credential they
 * show. `isPushing` tells that this one may push, and so perhaps is about to.
 */
export async function admitReader(exchange: Exchange): Promise<{ readonly isPushing: boolean }> {
  const { config, now } = exchange.gateway;
  const { isPrivate, tokens } = readConfig(exchange.gateway);
  const credential = readCredential(exchange.request.headers);
  const known = isPrivate || !config.writes.ok ? tokens : config.writes.value.tokens;
  const entry = credential === undefined ? undefined : await authenticate(credential, known, now());
  if (isPrivate) requireScope(entry, credential, "read");
  return { isPushing: entry !== undefined && hasScope(entry, "push") };
}

/** Lets a writer in, and says which settings stop all writers. */
export async function admitWriter(
  exchange: Exchange,
  scope: Scope,
): Promise<{ readonly writes: WriteConfig; readonly by: string }> {
  const { config, now } = exchange.gateway;
  if (!config.writes.ok) {
    throw new CacheError(
      "misconfigured",
      config.writes.error.map(({ setting, problem }) => `${setting} ${problem}`).join("; "),
    );
  }
  const writes = config.writes.value;
  if (writes.tokens.length === 0) throw new CacheError("uploads-off", "TOKENS is empty");
  const credential = readCredential(exchange.request.headers);
  const entry =
    credential === undefined ? undefined : await authenticate(credential, writes.tokens, now());
  return { writes, by: requireScope(entry, credential, scope).name };
}

function requireScope(
  entry: TokenEntry | undefined,
  credential: string | undefined,
  scope: Scope,
): TokenEntry {
  if (credential === undefined) throw new CacheError("credential-missing", scope);
  if (entry === undefined) throw new CacheError("credential-wrong", scope);
  if (!hasScope(entry, scope)) {
    throw new CacheError("scope-missing", `${entry.name} lacks ${scope}`, { subject: `${scope}.` });
  }
  return entry;
}
