import { authenticate } from "../access/authenticate.ts";
import { isOidcToken } from "../access/oidc/verify-oidc-token.ts";
import { hasScope, type Scope } from "../../api/scopes.ts";
import type { Identity } from "../access/identity.ts";
import type { TokenEntry } from "../../settings/token.ts";
import {
  type Config,
  formatProblems,
  type Setting,
  type WriteConfig,
} from "../../settings/config.ts";
import { CacheError } from "../cache-error.ts";
import { readCredential } from "../../http/credential.ts";
import { err, ok, type Result } from "../../result.ts";
import { type Exchange, readConfig } from "./exchange.ts";

// Enough for a second and a third try at an issuer that stumbles.
const ISSUER_WAIT_MILLISECONDS = 10_000;

/** The entry of TOKENS that the request shows, if it is one of ours. */
export async function findTokenEntry(exchange: Exchange): Promise<TokenEntry | undefined> {
  const { config, now } = exchange.gateway;
  const credential = readCredential(exchange.request.headers);
  const entry =
    credential === undefined ? undefined : await authenticate(credential, config.tokens, now());
  exchange.token = entry;
  return entry;
}

/** Who the request comes from, by TOKENS or else by OIDC_TRUST. */
async function identify(
  exchange: Exchange,
  waitMilliseconds: number,
): Promise<Result<Identity, CacheError>> {
  const entry = await findTokenEntry(exchange);
  if (entry !== undefined) return ok(entry);
  const credential = readCredential(exchange.request.headers);
  if (credential === undefined) return err(new CacheError("credential-missing", "no token"));
  const { config, oidc } = exchange.gateway;
  if (!isOidcToken(credential)) return err(refuseUnknown("TOKENS", config));
  if (oidc === undefined) return err(refuseUnknown("OIDC_TRUST", config));
  const { edge } = exchange;
  const identity = await oidc.verify(credential, {
    waitMilliseconds,
    waitUntil: (promise) => edge.waitUntil(promise),
  });
  if (identity.ok) exchange.token = identity.value;
  return identity;
}

/**
 * The refusal of a token that a setting does not know. Where the setting is
 * broken its holder is not to blame, and Nix would take a 401 for "not there"
 * (law 10).
 */
function refuseUnknown(setting: Setting, { writes }: Config): CacheError {
  const problems = writes.ok ? [] : writes.error.filter((problem) => problem.setting === setting);
  return problems.length > 0
    ? new CacheError("misconfigured", formatProblems(problems))
    : new CacheError("credential-wrong", `not in ${setting}`);
}

/**
 * Lets a reader in. A public cache lets in everyone, whatever credential they
 * show, and waits for no issuer (law 6). `isPushing` tells that this one may
 * push, and so perhaps is about to.
 */
export async function admitReader(exchange: Exchange): Promise<{ readonly isPushing: boolean }> {
  const { isPrivate } = readConfig(exchange.gateway);
  // Nearly every reader shows nothing, and the stack of a refusal that nobody
  // sees would be a tenth of what a hit costs.
  const isAnonymous = readCredential(exchange.request.headers) === undefined;
  if (isAnonymous && !isPrivate) return { isPushing: false };
  const identity = await identify(exchange, isPrivate ? ISSUER_WAIT_MILLISECONDS : 0);
  if (isPrivate) requireScope(identity, "read");
  return { isPushing: identity.ok && hasScope(identity.value, "push") };
}

/** Whoever shows a token, and what it may do. */
export async function admitHolder(exchange: Exchange): Promise<Identity> {
  const identity = await identify(exchange, ISSUER_WAIT_MILLISECONDS);
  if (!identity.ok) throw identity.error;
  return identity.value;
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
  if (config.tokens.length === 0 && config.oidcTrust.length === 0) {
    throw new CacheError("uploads-off", "TOKENS and OIDC_TRUST are empty");
  }
  const identity = await identify(exchange, ISSUER_WAIT_MILLISECONDS);
  return { writes: config.writes.value, by: requireScope(identity, scope).name };
}

function requireScope(identity: Result<Identity, CacheError>, scope: Scope): Identity {
  if (!identity.ok) throw identity.error;
  if (hasScope(identity.value, scope)) return identity.value;
  const { name, pushRefusal } = identity.value;
  if (scope === "push" && pushRefusal !== undefined) throw pushRefusal;
  throw new CacheError("scope-missing", `${name} lacks ${scope}`, { subject: `${scope}.` });
}
