import { encodeNix32 } from "../nix/encodings.ts";

/** The beginning of every token. Secret scanners recognise tokens by it. */
export const TOKEN_PREFIX = "nargate_";

/**
 * Returns a new token: `nargate_` and 256 random bits in nix32. These are 52
 * letters and digits, so a double click selects the whole token.
 */
export function generateToken(): string {
  return TOKEN_PREFIX + encodeNix32(crypto.getRandomValues(new Uint8Array(32)));
}
