import { createLocalJWKSet, type JWTHeaderParameters } from "jose";
import { CacheError } from "../../cache-error.ts";
import { err, ok, type Result } from "../../../result.ts";
import {
  FETCH_DEADLINE_MILLISECONDS,
  fetchIssuerKeys,
  type KeyFetch,
} from "./fetch-issuer-keys.ts";

/** What the outside world gives the verifier; tests give other ones. */
export interface OidcEnvironment extends KeyFetch {
  readonly now: () => Date;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** How much a request may depend on an issuer. */
export interface Patience {
  /** For so long it waits for keys that are not at hand; with 0 it never waits (law 6). */
  readonly waitMilliseconds: number;
  /** Takes what goes on after the answer. */
  waitUntil(promise: Promise<unknown>): void;
}

export interface IssuerKeys {
  /**
   * The key that a token's header names. `oidc-signature` if the issuer has no
   * such key, `oidc-issuer-unavailable` if it could not be asked in time.
   */
  find(header: JWTHeaderParameters, patience: Patience): Promise<Result<CryptoKey, CacheError>>;
}

// A key that an issuer withdraws works for this long, and for one token more.
const REFRESH_MILLISECONDS = 10 * 60 * 1000;

// An issuer that is down stops nobody until then.
const MAX_AGE_MILLISECONDS = 60 * 60 * 1000;

// Anyone can make up a key's name, and so have us ask for it.
const UNKNOWN_KEY_PAUSE_MILLISECONDS = 30_000;

// After a failure, doubled with each: 2, 4, 8, 16, 30 seconds.
const FIRST_FAILURE_PAUSE_MILLISECONDS = 2000;
const LONGEST_FAILURE_PAUSE_MILLISECONDS = 30_000;

const POLL_MILLISECONDS = 50;

/** The keys of one issuer, kept for as long as the isolate lives. */
export function createIssuerKeys(issuer: string, environment: OidcEnvironment): IssuerKeys {
  let keys:
    | { readonly select: ReturnType<typeof createLocalJWKSet>; readonly fetchedAt: number }
    | undefined;
  let attempt: { readonly startedAt: number } | undefined;
  /** Since the last success. */
  const failures = { count: 0, lastAt: 0, cause: undefined as unknown };

  const time = () => environment.now().getTime();
  const keysAge = () => (keys === undefined ? Infinity : time() - keys.fetchedAt);

  async function select(header: JWTHeaderParameters): Promise<CryptoKey | undefined> {
    if (keys === undefined || keysAge() >= MAX_AGE_MILLISECONDS) return undefined;
    // Also a key that cannot be imported is none.
    return await keys.select(header).catch(() => undefined);
  }

  function mayFetch(): boolean {
    // The request that fetched may have been cancelled, and its fetch with it.
    const isUnderWay =
      attempt !== undefined && time() - attempt.startedAt <= FETCH_DEADLINE_MILLISECONDS;
    if (isUnderWay || keysAge() < UNKNOWN_KEY_PAUSE_MILLISECONDS) return false;
    const pause = FIRST_FAILURE_PAUSE_MILLISECONDS * 2 ** (failures.count - 1);
    return (
      failures.count === 0 ||
      time() - failures.lastAt >= Math.min(pause, LONGEST_FAILURE_PAUSE_MILLISECONDS)
    );
  }

  async function refresh(): Promise<void> {
    const mine = { startedAt: time() };
    attempt = mine;
    try {
      const keySet = await fetchIssuerKeys(issuer, environment);
      keys = { select: createLocalJWKSet(keySet), fetchedAt: time() };
      failures.count = 0;
    } catch (cause) {
      failures.count++;
      failures.lastAt = time();
      failures.cause = cause;
    } finally {
      if (attempt === mine) attempt = undefined;
    }
  }

  return {
    async find(header, { waitMilliseconds, waitUntil }) {
      const startedAt = time();
      for (;;) {
        const key = await select(header);
        if (key !== undefined) {
          if (keysAge() >= REFRESH_MILLISECONDS && mayFetch()) waitUntil(refresh());
          return ok(key);
        }
        if (keysAge() < UNKNOWN_KEY_PAUSE_MILLISECONDS) {
          return err(new CacheError("oidc-signature", `${issuer} has no such key`));
        }
        if (time() - startedAt >= waitMilliseconds) {
          if (mayFetch()) waitUntil(refresh());
          return err(
            new CacheError("oidc-issuer-unavailable", `no keys of ${issuer}`, {
              cause: failures.cause,
              retryAfterSeconds: 5,
            }),
          );
        }
        // On a timer: workerd takes a request that waits for nothing but another
        // request's promise for hung, and cancels it.
        await (mayFetch() ? refresh() : environment.sleep(POLL_MILLISECONDS));
      }
    },
  };
}
