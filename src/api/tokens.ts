import { encodeNix32 } from "../nix/encodings.ts";

/** The rights of a token. `push` includes `read`; `admin` includes both. */
export const SCOPES = ["read", "push", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export function isScope(value: unknown): value is Scope {
  return SCOPES.some((scope) => scope === value);
}

/** Whether the holder of `scopes` may do what `scope` allows. */
export function hasScope(holder: { readonly scopes: readonly Scope[] }, scope: Scope): boolean {
  return holder.scopes.some((held) => SCOPES.indexOf(held) >= SCOPES.indexOf(scope));
}

/** The beginning of every token. Secret scanners recognise tokens by it. */
export const TOKEN_PREFIX = "nargate_";

/**
 * Returns a new token: `nargate_` and 256 random bits in nix32. These are 52
 * letters and digits, so a double click selects the whole token.
 */
export function generateToken(): string {
  return TOKEN_PREFIX + encodeNix32(crypto.getRandomValues(new Uint8Array(32)));
}
