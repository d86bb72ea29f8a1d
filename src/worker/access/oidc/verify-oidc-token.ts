import { decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from "jose";
import { CacheError } from "../../cache-error.ts";
import { err, ok, type Result } from "../../../result.ts";
import type { Identity } from "../authenticate.ts";
import type { Scope } from "../../../api/tokens.ts";
import { createIssuerKeys, type OidcEnvironment, type Patience } from "./issuer-keys.ts";
import {
  findMismatches,
  formatIdentityName,
  nearestMismatches,
  runClaims,
} from "./match-claims.ts";
import { refusalOf, refuse, showValue } from "./oidc-refusal.ts";
import type { OidcTrust } from "../../../settings/oidc/oidc-trust.ts";

export interface OidcVerifier {
  /** Returns the identity of an OIDC token, or the refusal with its reason in one line. */
  verify(token: string, patience: Patience): Promise<Result<Identity, CacheError>>;
}

/**
 * The accepted signature algorithms, all with key pairs. An HMAC algorithm would
 * be unsafe: everybody has the issuer's public key, and could use it as the
 * secret of an HMAC.
 */
export const OIDC_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

const CLOCK_SKEW_SECONDS = 60;

// GitHub's tokens have 2 KB. Anyone can send a token, so the length that the
// gateway decodes has a limit.
const MAX_TOKEN_LENGTH = 16 * 1024;

/** Whether a credential has the form of a signed JWT. No token of TOKENS has this form. */
export function isOidcToken(credential: string): boolean {
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(credential);
}

/**
 * Returns the verifier of an isolate, which keeps the keys of the issuers. It
 * sends requests only to issuers in `trust`.
 */
export function createOidcVerifier(
  trust: readonly OidcTrust[],
  environment: OidcEnvironment,
): OidcVerifier {
  const issuers = new Map(
    trust.map(({ issuer }) => [
      issuer,
      {
        keys: createIssuerKeys(issuer, environment),
        entries: trust.filter((entry) => entry.issuer === issuer),
      },
    ]),
  );

  return {
    async verify(token, patience) {
      const unverified = decode(token);
      if (unverified === undefined) return err(refuse("oidc-malformed", "it is not a JWT"));
      const { header, claims } = unverified;
      const iss = typeof claims.iss === "string" ? claims.iss : "";
      const issuer = issuers.get(iss);
      if (issuer === undefined) return err(refuse("oidc-issuer-unknown", showValue(claims.iss)));
      if (!OIDC_ALGORITHMS.includes(header.alg)) {
        return err(refuse("oidc-algorithm", showValue(header.alg)));
      }
      const key = await issuer.keys.find(header, patience);
      if (!key.ok) return key;
      const audience = [...new Set(issuer.entries.flatMap((entry) => entry.audiences))];
      try {
        const { payload } = await jwtVerify(token, key.value, {
          algorithms: OIDC_ALGORITHMS,
          issuer: iss,
          audience,
          requiredClaims: ["exp"],
          clockTolerance: CLOCK_SKEW_SECONDS,
          currentDate: environment.now(),
        });
        return identify(payload, issuer.entries);
      } catch (error) {
        return err(refusalOf(error, audience));
      }
    },
  };
}

/**
 * Returns the header and the claims of a token that is not verified yet. They
 * serve only to choose the issuer whose keys verify the token.
 */
function decode(token: string) {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  try {
    const { alg = "none", ...header } = decodeProtectedHeader(token);
    return { header: { ...header, alg }, claims: decodeJwt(token) };
  } catch {
    return undefined;
  }
}

/**
 * Returns the identity of a verified token, with the scopes of all entries that
 * the token matches. Returns a refusal if it matches none.
 */
function identify(
  payload: JWTPayload,
  entries: readonly OidcTrust[],
): Result<Identity, CacheError> {
  const addressed = entries.filter(({ audiences }) => isFor(payload, audiences));
  const matching = addressed.filter((entry) => findMismatches(payload, entry).length === 0);
  const [first] = matching;
  if (first === undefined) return err(refuseClaims(payload, addressed));
  const name = formatIdentityName(payload, first);
  const scopes = [...new Set<Scope>(matching.flatMap((entry) => entry.scopes))];
  const claims = runClaims(payload);
  const pushing = addressed.filter((entry) => entry.scopes.includes("push"));
  if (scopes.includes("push") || pushing.length === 0) return ok({ name, scopes, claims });
  return ok({ name, scopes, claims, pushRefusal: refuseClaims(payload, pushing) });
}

function isFor({ aud = [] }: JWTPayload, audiences: readonly string[]): boolean {
  return [aud].flat().some((audience) => audiences.includes(audience));
}

function refuseClaims(payload: JWTPayload, entries: readonly OidcTrust[]): CacheError {
  const mismatches = nearestMismatches(payload, entries).join(", ");
  return new CacheError("oidc-claims", `${showValue(payload.sub)}: ${mismatches}`, {
    subject: `${mismatches}.`,
  });
}
