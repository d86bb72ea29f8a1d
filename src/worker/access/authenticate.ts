import type { Scope } from "../../api/tokens.ts";
import { isCurrent, type TokenEntry } from "../../settings/token-entries.ts";
import type { CacheError } from "../cache-error.ts";

/** The identity of a valid token, and what the token allows. */
export interface Identity {
  /** The name of the identity in logs. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** What an OIDC token says about its run, as the issuer wrote it. The catalog keeps it. */
  readonly claims?: Readonly<Record<string, string>>;
  /** Why this identity may not push, if there is a better reason than "the scope is missing". */
  readonly pushRefusal?: CacheError;
}

/**
 * Returns the entry of a token, or `undefined` if the token is unknown or expired.
 *
 * Compares the token with every entry, and with each entry in constant time. So
 * the time of an answer does not show how close a guessed token is to a real one.
 */
export async function authenticate(
  token: string,
  entries: readonly TokenEntry[],
  now: Date,
): Promise<TokenEntry | undefined> {
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)),
  );
  const presented = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  let found: TokenEntry | undefined;
  for (const entry of entries) {
    if (equalInConstantTime(presented, entry.sha256) && isCurrent(entry, now)) found = entry;
  }
  return found;
}

/** Compares two texts of equal length without stopping at the first difference. */
function equalInConstantTime(left: string, right: string): boolean {
  let difference = left.length ^ right.length;
  for (let index = 0; index < left.length; index++) {
    difference |= left.charCodeAt(index) ^ right.charCodeAt(index);
  }
  return difference === 0;
}
