import { err, ok, type Result } from "../../result.ts";
import { parseSecureUrl } from "../../http/secure-url.ts";
import { isJsonObject, parseEntries } from "../json-entries.ts";
import type { Scope } from "../../api/tokens.ts";
import { type OidcTrust, parseClaimPattern } from "./oidc-trust.ts";
import { describeHole } from "./git-forge.ts";

const ENTRY_FIELDS = new Set(["issuer", "audience", "claims", "scopes"]);

// `admin` can delete published paths. Only a token of TOKENS, which the operator
// gave to a person, can have that scope.
const EARNABLE_SCOPES: readonly Scope[] = ["read", "push"];

// The verifier checks these claims of every token. An operator who wrote a
// pattern for one of them would expect another meaning.
const CHECKED_CLAIMS = new Set(["iss", "aud", "exp", "nbf", "iat"]);

/**
 * Parses the setting OIDC_TRUST, a JSON array. The error is a predicate without
 * a subject. It names an entry and a claim by their numbers, counted from 1, and
 * never quotes a value.
 */
export function parseOidcTrust(text: string): Result<readonly OidcTrust[]> {
  return parseEntries(text, parseEntry);
}

function parseEntry(item: unknown): Result<OidcTrust> {
  if (!isJsonObject(item)) return err("is not an object");
  if (Object.keys(item).some((field) => !ENTRY_FIELDS.has(field)))
    return err(`has a field other than ${[...ENTRY_FIELDS].join(", ")}`);
  const { issuer, audience, scopes } = item;
  if (typeof issuer !== "string" || !isIssuer(issuer)) {
    return err("needs an issuer, which is an https URL without a query");
  }
  const audiences = listOf(audience);
  if (!isNonEmptyListOf(audiences, isOrigin)) {
    return err(
      "needs an audience, which is this cache's own address: https://host without a final slash",
    );
  }
  const claims = parseClaims(item["claims"]);
  if (!claims.ok) return claims;
  if (!isNonEmptyListOf(scopes, isEarnable)) {
    return err(`needs a list of scopes, each of them one of ${EARNABLE_SCOPES.join(", ")}`);
  }
  const trust = { issuer, audiences, claims: claims.value, scopes };
  const hole = describeHole(trust);
  return hole === undefined ? ok(trust) : err(hole);
}

function parseClaims(value: unknown): Result<OidcTrust["claims"]> {
  if (!isJsonObject(value) || Object.keys(value).length === 0) {
    return err("needs claims, which is an object with at least one claim");
  }
  const claims = new Map<string, readonly string[]>();
  for (const [index, [name, wanted]] of Object.entries(value).entries()) {
    const place = `claim ${index + 1}`;
    if (CHECKED_CLAIMS.has(name)) {
      return err(`${place} is one of ${[...CHECKED_CLAIMS].join(", ")}, which are always checked`);
    }
    if (!/^[\x21-\x7e]{1,128}$/.test(name)) {
      return err(`${place} needs a name of 1 to 128 printable ASCII characters without spaces`);
    }
    const list = listOf(wanted);
    if (list.length === 0) return err(`${place} is an empty list`);
    const patterns: string[] = [];
    for (const item of list) {
      const pattern = parseClaimPattern(item);
      if (!pattern.ok) return err(`${place} ${pattern.error}`);
      patterns.push(pattern.value);
    }
    claims.set(name, patterns);
  }
  return ok(claims);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isNonEmptyListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.length > 0 && value.every(isItem);
}

function isEarnable(value: unknown): value is Scope {
  return EARNABLE_SCOPES.some((scope) => scope === value);
}

/**
 * Whether `text` is a secure URL without a query. A final slash is part of an
 * issuer's name, because some issuers write it into the claim `iss`. So both
 * spellings are allowed, and they are two different issuers.
 */
function isIssuer(text: string): boolean {
  const url = parseSecureUrl(text);
  return url !== undefined && url.search === "" && (url.href === text || url.href === `${text}/`);
}

/**
 * Whether `value` is a secure origin, such as `https://host`. If an audience could
 * be any text, an operator could choose one that other services use too, such as
 * the name of a cloud. This cache would then accept the tokens for those services.
 */
function isOrigin(value: unknown): value is string {
  return typeof value === "string" && parseSecureUrl(value)?.origin === value;
}
