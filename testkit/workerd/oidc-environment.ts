import type { OidcEnvironment, Patience } from "../../src/worker/access/oidc/issuer-keys.ts";
import type { FakeIssuer } from "../fake-issuer.ts";

/** Where the verifier's tests run: these issuers and no others, under a clock of its own. */
export interface TestOidcEnvironment extends OidcEnvironment {
  pass(milliseconds: number): void;
}

export function createOidcEnvironment(...issuers: readonly FakeIssuer[]): TestOidcEnvironment {
  let time = Date.now();
  const pass = (milliseconds: number) => {
    time += milliseconds;
  };
  return {
    pass,
    now: () => new Date(time),
    async fetch(url) {
      const issuer = issuers.find((candidate) => url.startsWith(candidate.url.replace(/\/$/, "")));
      if (issuer === undefined) throw new TypeError(`nobody is at ${url}`);
      return issuer.answer(url);
    },
    async sleep(milliseconds) {
      await scheduler.wait(0);
      pass(milliseconds);
    },
    timeout: () => new AbortController().signal,
  };
}

export interface TestPatience extends Patience {
  /** Waits for what goes on after the answers. */
  settle(): Promise<void>;
}

/** A request that waits for so long, which is 0 for a read of a public cache. */
export function createPatience(waitMilliseconds: number): TestPatience {
  const pending: Promise<unknown>[] = [];
  return {
    waitMilliseconds,
    waitUntil: (promise) => void pending.push(promise),
    async settle() {
      await Promise.all(pending.splice(0));
    },
  };
}
