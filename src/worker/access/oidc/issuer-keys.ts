import { createLocalJWKSet, type JWTHeaderParameters } from "jose";
import { CacheError } from "../../cache-error.ts";
import { err, ok, type Result } from "../../../result.ts";
import {
  FETCH_DEADLINE_MILLISECONDS,
  fetchIssuerKeys,
  type KeyFetch,
} from "./fetch-issuer-keys.ts";

/** The clock, timer and network of the verifier. Tests pass their own. */
export interface OidcEnvironment extends KeyFetch {
  readonly now: () => Date;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** How far a request may depend on an issuer. */
export interface Patience {
  /**
   * How long the request may wait for keys that the isolate does not have. With 0
   * it never waits: a public read must not depend on an issuer (law 6).
   */
  readonly waitMilliseconds: number;
  /** Keeps a fetch of keys running after the request is answered. */
  waitUntil(promise: Promise<unknown>): void;
}

export interface IssuerKeys {
  /**
   * Returns the key that a token's header names. Returns the error
   * `oidc-signature` if the issuer has no such key, and `oidc-issuer-unavailable`
   * if the issuer did not give its keys in time.
   */
  find(header: JWTHeaderParameters, patience: Patience): Promise<Result<CryptoKey, CacheError>>;
}

// The age at which keys are fetched again. A key that the issuer withdrew is
// accepted until then, and for the token that starts the new fetch.
const REFRESH_MILLISECONDS = 10 * 60 * 1000;

// The age at which keys are no longer used. While an issuer is down, its tokens
// are accepted until then.
const MAX_AGE_MILLISECONDS = 60 * 60 * 1000;

// The pause between two fetches because of an unknown key. Anyone can invent the
// name of a key, and would otherwise make the gateway fetch with each request.
const UNKNOWN_KEY_PAUSE_MILLISECONDS = 30_000;

// The pauses after failed fetches double from the first to the longest: 2, 4, 8,
// 16, 30 seconds.
const FIRST_FAILURE_PAUSE_MILLISECONDS = 2000;
const LONGEST_FAILURE_PAUSE_MILLISECONDS = 30_000;

const POLL_MILLISECONDS = 50;

/** Returns the keys of one issuer, fetched when needed and kept as long as the isolate lives. */
export function createIssuerKeys(issuer: string, environment: OidcEnvironment): IssuerKeys {
  let keys:
    | { readonly select: ReturnType<typeof createLocalJWKSet>; readonly fetchedAt: number }
    | undefined;
  let attempt: { readonly startedAt: number } | undefined;
  /** The failed fetches since the last success. */
  const failures = { count: 0, lastAt: 0, cause: undefined as unknown };

  const time = () => environment.now().getTime();
  const keysAge = () => (keys === undefined ? Infinity : time() - keys.fetchedAt);

  async function select(header: JWTHeaderParameters): Promise<CryptoKey | undefined> {
    if (keys === undefined || keysAge() >= MAX_AGE_MILLISECONDS) return undefined;
    // A key that cannot be imported counts as missing.
    return await keys.select(header).catch(() => undefined);
  }

  function mayFetch(): boolean {
    // A fetch ends with its request. If that request was cancelled, `attempt` is
    // never cleared, so it counts only until the deadline of the fetch.
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
        // Waits on a timer, and not for the fetch of another request: workerd
        // cancels a request as hung if it waits only for a promise of another
        // request.
        await (mayFetch() ? refresh() : environment.sleep(POLL_MILLISECONDS));
      }
    },
  };
}
