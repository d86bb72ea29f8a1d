import type { CacheError } from "../../src/worker/cache-error.ts";
import { parseOidcTrust } from "../../src/settings/oidc/parse-oidc-trust.ts";
import { createOidcVerifier } from "../../src/worker/access/oidc/verify-oidc-token.ts";
import type { Identity } from "../../src/worker/access/authenticate.ts";
import { failureResponse } from "../../src/worker/failure-response.ts";
import type { Result } from "../../src/result.ts";
import { valueOf } from "../value-of.ts";
import { createFakeIssuer, type FakeIssuer, GITHUB_CLAIMS, githubTrust } from "../fake-issuer.ts";
import {
  createOidcEnvironment,
  createPatience,
  type TestOidcEnvironment,
} from "./oidc-environment.ts";

export const AUDIENCE = "https://cache.example.org";
export const ISSUER = "https://issuer.example.org";

/** A token of the policy that `startVerifier` has, unless it is given another. */
export const GOOD_CLAIMS = { ...GITHUB_CLAIMS, aud: AUDIENCE };

export interface TestVerifier {
  readonly issuer: FakeIssuer;
  readonly environment: TestOidcEnvironment;
  /** Verifies for a request that waits for the issuer. */
  verify(token: string): Promise<Result<Identity, CacheError>>;
  /** The status and the one line that a person would see, or what the token earned. */
  lineFor(token: string): Promise<string>;
}

export interface VerifierOptions {
  readonly issuer?: FakeIssuer;
  /** As in OIDC_TRUST. */
  readonly trust?: readonly unknown[];
}

/** The verifier of tokens, and an issuer that it trusts. */
export async function startVerifier(options: VerifierOptions = {}): Promise<TestVerifier> {
  const issuer = options.issuer ?? (await createFakeIssuer(ISSUER));
  const trust = options.trust ?? [githubTrust(issuer.url, AUDIENCE)];
  const environment = createOidcEnvironment(issuer);
  const verifier = createOidcVerifier(valueOf(parseOidcTrust(JSON.stringify(trust))), environment);
  const verify = (token: string) => verifier.verify(token, createPatience(10_000));
  return {
    issuer,
    environment,
    verify,
    async lineFor(token) {
      const verified = await verify(token);
      if (verified.ok) return `admitted: ${verified.value.scopes.join(" ")}`;
      const response = failureResponse(verified.error);
      return `${response.status} ${(await response.text()).replace(/\n$/, "")}`;
    },
  };
}

/** Who was verified; fails with the refusal of one who was not. */
export function identityOf(verified: Result<Identity, CacheError>): Identity {
  if (verified.ok) return verified.value;
  throw verified.error;
}
