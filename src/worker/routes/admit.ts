import { hasScope, type Scope } from "../../api/tokens.ts";
import { readCredential } from "../../http/request-headers.ts";
import { err, ok, type Result } from "../../result.ts";
import type { PushSettings } from "../../settings/push-settings.ts";
import { formatProblems } from "../../settings/setting-reader.ts";
import type { Setting } from "../../settings/settings.ts";
import type { TokenEntry } from "../../settings/token-entries.ts";
import { authenticate, type Identity } from "../access/authenticate.ts";
import { isOidcToken } from "../access/oidc/verify-oidc-token.ts";
import { CacheError } from "../cache-error.ts";
import type { CacheScope } from "../caches/cache-scope.ts";
import { ABSENCE_RULES } from "../absence/absence-rules.ts";
import { createPublicationMarks, NO_MARKS } from "../absence/publication-marks.ts";
import { createPublicationRecorder, NO_RECORDER } from "../ingest/publication-recorder.ts";
import type { Push } from "../ingest/push-context.ts";
import { createRemovalGuard, NO_GUARD } from "../ingest/removal-guard.ts";
import { cacheReads, type Exchange, openBucket } from "./exchange.ts";
import { catalogOf } from "./catalog-of.ts";

// Long enough for a second and a third try at an issuer that fails once.
const ISSUER_WAIT_MILLISECONDS = 10_000;

/** Returns the entry of TOKENS whose token the request sends, if there is one. */
export async function findTokenEntry(exchange: Exchange): Promise<TokenEntry | undefined> {
  const { cache, gateway, request } = exchange;
  const credential = readCredential(request.headers);
  const entry =
    credential === undefined
      ? undefined
      : await authenticate(credential, cache.tokens, gateway.clock.now());
  exchange.token = entry;
  return entry;
}

/** Finds out who sent the request, by TOKENS or else by OIDC_TRUST. */
async function identify(
  exchange: Exchange,
  waitMilliseconds: number,
): Promise<Result<Identity, CacheError>> {
  const entry = await findTokenEntry(exchange);
  if (entry !== undefined) return ok(entry);
  const credential = readCredential(exchange.request.headers);
  if (credential === undefined) return err(new CacheError("credential-missing", "no token"));
  const { cache, edgeContext, gateway } = exchange;
  if (!isOidcToken(credential)) return err(refuseUnknown("TOKENS", cache));
  const oidc = gateway.openOidc(cache);
  if (oidc === undefined) return err(refuseUnknown("OIDC_TRUST", cache));
  const identity = await oidc.verify(credential, {
    waitMilliseconds,
    waitUntil: (promise) => edgeContext.waitUntil(promise),
  });
  if (identity.ok) exchange.token = identity.value;
  return identity;
}

/**
 * Refuses a token that a setting does not know. If the setting itself is broken,
 * the holder of the token is not to blame, and Nix would take a 401 for "not in
 * this cache": the answer is then a misconfiguration (law 10).
 */
function refuseUnknown(setting: Setting, { pushes }: CacheScope): CacheError {
  const problems = pushes.ok ? [] : pushes.error.filter((problem) => problem.setting === setting);
  return problems.length > 0
    ? new CacheError("misconfigured", formatProblems(problems))
    : new CacheError("credential-wrong", `not in ${setting}`);
}

/**
 * Lets a reader in. A public cache lets everyone in, whatever token they send,
 * and never waits for an issuer (law 6). `isPushing` tells whether the reader has
 * a token that may push, and may therefore be about to push.
 */
export async function admitReader(exchange: Exchange): Promise<{ readonly isPushing: boolean }> {
  const { isPrivate } = cacheReads(exchange);
  // Nearly every reader sends no token. The stack trace of a refusal that is never
  // shown would be a tenth of the cost of a hit.
  const isAnonymous = readCredential(exchange.request.headers) === undefined;
  if (isAnonymous && !isPrivate) return { isPushing: false };
  const identity = await identify(exchange, isPrivate ? ISSUER_WAIT_MILLISECONDS : 0);
  if (isPrivate) requireScope(identity, "read");
  return { isPushing: identity.ok && hasScope(identity.value, "push") };
}

/** Lets the holder of any valid token in. */
export async function admitHolder(exchange: Exchange): Promise<Identity> {
  const identity = await identify(exchange, ISSUER_WAIT_MILLISECONDS);
  if (!identity.ok) throw identity.error;
  return identity.value;
}

/** Lets the holder of a scope in, for what changes nothing in the cache. */
export async function admitScope(exchange: Exchange, scope: Scope): Promise<Identity> {
  return requireScope(await identify(exchange, ISSUER_WAIT_MILLISECONDS), scope);
}

/** Lets a writer in. Throws `misconfigured` if a setting stops all writers. */
export async function admitWriter(
  exchange: Exchange,
  scope: Scope,
): Promise<{ readonly rules: PushSettings; readonly by: string; readonly identity: Identity }> {
  const { pushes, tokens, oidcTrust } = exchange.cache;
  if (!pushes.ok) throw new CacheError("misconfigured", formatProblems(pushes.error));
  if (tokens.length === 0 && oidcTrust.length === 0) {
    throw new CacheError("uploads-off", "TOKENS and OIDC_TRUST are empty");
  }
  const identity = requireScope(await identify(exchange, ISSUER_WAIT_MILLISECONDS), scope);
  return { rules: pushes.value, by: identity.name, identity };
}

/** Lets a pusher in, and returns everything that a push needs. */
export async function admitPush(exchange: Exchange): Promise<Push> {
  const { buffers, memory, clock, log, random, openEdge, openProbe, openAbsences } =
    exchange.gateway;
  const cache = cacheReads(exchange);
  const { rules, by, identity } = await admitWriter(exchange, "push");
  const bucket = openBucket(exchange);
  const absences = openAbsences(cache);
  const now = () => clock.now().getTime();
  const marks =
    absences === undefined
      ? NO_MARKS
      : createPublicationMarks({ bucket, rules: ABSENCE_RULES, now }, absences);
  const catalog = catalogOf(exchange);
  const recorder =
    catalog === undefined ? NO_RECORDER : createPublicationRecorder(identity, catalog, log);
  const guard =
    catalog === undefined || !exchange.cache.catalog.retention.isCollecting
      ? NO_GUARD
      : createRemovalGuard({ catalog, clock });
  return {
    by,
    cache,
    rules,
    bucket,
    guard,
    edge: openEdge(cache),
    edgeContext: exchange.edgeContext,
    marks,
    recorder,
    openProbe: (header) => openProbe(cache, bucket, header),
    buffers,
    memory,
    clock,
    log,
    random,
  };
}

function requireScope(identity: Result<Identity, CacheError>, scope: Scope): Identity {
  if (!identity.ok) throw identity.error;
  if (hasScope(identity.value, scope)) return identity.value;
  const { name, pushRefusal } = identity.value;
  if (scope === "push" && pushRefusal !== undefined) throw pushRefusal;
  throw new CacheError("scope-missing", `${name} lacks ${scope}`, { subject: `${scope}.` });
}
