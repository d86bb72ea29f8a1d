import { isScope, type Scope, SCOPES } from "../api/tokens.ts";
import { err, ok, type Result } from "../result.ts";
import { isJsonObject, parseEntries } from "./json-entries.ts";

/** One entry of the secret TOKENS. Only the holder of the token knows the token itself. */
export interface TokenEntry {
  /** The name of the token in logs: 1 to 64 letters, digits and `_ . @ -`. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /**
   * The SHA-256 of the token in lower-case hex. A fast hash without salt is safe
   * here, because a token has 256 random bits.
   */
  readonly sha256: string;
  /** The last day on which the token works, in UTC: YYYY-MM-DD. */
  readonly expires?: string;
}

const ENTRY_FIELDS = new Set(["name", "sha256", "scopes", "expires"]);

/**
 * Parses the secret TOKENS, a JSON array. The error is a predicate without a
 * subject. It names an entry by its number, counted from 1, and never quotes a
 * value.
 */
export function parseTokens(text: string): Result<readonly TokenEntry[]> {
  const names = new Set<string>();
  return parseEntries(text, (item) => {
    const entry = parseTokenEntry(item);
    if (!entry.ok) return entry;
    if (names.has(entry.value.name)) return err("has the same name as an earlier entry");
    names.add(entry.value.name);
    return entry;
  });
}

function parseTokenEntry(item: unknown): Result<TokenEntry> {
  if (!isJsonObject(item)) return err("is not an object");
  const { name, sha256, scopes, expires } = item;
  if (Object.keys(item).some((field) => !ENTRY_FIELDS.has(field)))
    return err(`has a field other than ${[...ENTRY_FIELDS].join(", ")}`);
  if (typeof name !== "string" || !/^[\w.@-]{1,64}$/.test(name)) {
    return err("needs a name of 1 to 64 letters, digits and _ . @ -");
  }
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    return err("needs sha256, which is 64 lower-case hex digits");
  }
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every(isScope)) {
    return err(`needs a list of scopes, each of them one of ${SCOPES.join(", ")}`);
  }
  if (expires === undefined) return ok({ name, sha256, scopes });
  if (typeof expires !== "string" || !isCalendarDay(expires))
    return err("has a value of expires that is not a calendar day as YYYY-MM-DD");
  return ok({ name, sha256, scopes, expires });
}

/** Whether `text` is a day of the calendar as YYYY-MM-DD. `false` for 2026-02-30. */
export function isCalendarDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === text;
}

/** Whether the token of `entry` works at `now`. It works until the end of its last day, in UTC. */
export function isCurrent(entry: TokenEntry, now: Date): boolean {
  return entry.expires === undefined || now.toISOString().slice(0, 10) <= entry.expires;
}
