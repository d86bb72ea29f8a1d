import { isCurrent, type TokenEntry } from "../../settings/token.ts";

/**
 * The entry of the token that was presented, or `undefined` when it is unknown
 * or expired.
 *
 * Every entry is compared, each in constant time, so that neither the time of
 * an answer nor the order of the entries tells how near a guess came.
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
