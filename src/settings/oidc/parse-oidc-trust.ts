import { err, ok, type Result } from "../../result.ts";
import { parseSecureUrl } from "../../http/secure-url.ts";
import { isJsonObject, parseEntries } from "../json-entries.ts";
import type { Scope } from "../../api/scopes.ts";
import { type OidcTrust, parseClaimPattern } from "./oidc-trust.ts";
import { describeHole } from "./git-forge.ts";

const ENTRY_FIELDS = new Set(["issuer", "audience", "claims", "scopes"]);

// `admin` unpublishes: that stays with tokens which a person was given.
const EARNABLE_SCOPES: readonly Scope[] = ["read", "push"];

// What every token is held to anyway; a pattern over them would mean something else.
const CHECKED_CLAIMS = new Set(["iss", "aud", "exp", "nbf", "iat"]);

/** Parses OIDC_TRUST. Its errors name entries and claims by their place, never a value. */
export function parseOidcTrust(text: string): Result<readonly OidcTrust[]> {
  return parseEntries(text, parseEntry);
}

function parseEntry(item: unknown): Result<OidcTrust> {
  if (!isJsonObject(item)) return err("is not an object");
  if (Object.keys(item).some((field) => !ENTRY_FIELDS.has(field)))
    return err("has an unknown field");
  const { issuer, audience, scopes } = item;
  if (typeof issuer !== "string" || !isIssuer(issuer)) {
    return err("lacks an issuer that is an https URL");
  }
  const audiences = listOf(audience);
  if (!isNonEmptyListOf(audiences, isOrigin)) {
    return err(
      "lacks an audience that is this cache's own address, as https://host without a final slash",
    );
  }
  const claims = parseClaims(item["claims"]);
  if (!claims.ok) return claims;
  if (!isNonEmptyListOf(scopes, isEarnable)) {
    return err(`lacks scopes out of ${EARNABLE_SCOPES.join(", ")}`);
  }
  const trust = { issuer, audiences, claims: claims.value, scopes };
  const hole = describeHole(trust);
  return hole === undefined ? ok(trust) : err(hole);
}

function parseClaims(value: unknown): Result<OidcTrust["claims"]> {
  if (!isJsonObject(value) || Object.keys(value).length === 0) return err("lacks claims");
  const claims = new Map<string, readonly string[]>();
  for (const [index, [name, wanted]] of Object.entries(value).entries()) {
    const place = `claim ${index + 1}`;
    if (CHECKED_CLAIMS.has(name)) return err(`${place} is one that is always checked`);
    if (!/^[\x21-\x7e]{1,128}$/.test(name)) return err(`${place} has no plain name`);
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

/** With or without a final slash, which belongs to the name: some issuers write it into `iss`. */
function isIssuer(text: string): boolean {
  const url = parseSecureUrl(text);
  return url !== undefined && url.search === "" && (url.href === text || url.href === `${text}/`);
}

/** An address that other services share, such as a name of a cloud, would admit their tokens. */
function isOrigin(value: unknown): value is string {
  return typeof value === "string" && parseSecureUrl(value)?.origin === value;
}
