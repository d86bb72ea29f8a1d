import { isScope, type Scope, SCOPES } from "../api/scopes.ts";
import { err, ok, type Result } from "../result.ts";
import { parseEntries } from "./json-entries.ts";

/** One entry of the secret TOKENS. The token itself is known to its holder alone. */
export interface TokenEntry {
  /** Appears in logs. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Lower-case hex SHA-256 of the token. A plain hash will do: a token has 256 random bits. */
  readonly sha256: string;
  /** The last day on which the token works, in UTC: YYYY-MM-DD. */
  readonly expires?: string;
}

const ENTRY_FIELDS = new Set(["name", "sha256", "scopes", "expires"]);

/** Parses the secret TOKENS. */
export function parseTokens(text: string): Result<readonly TokenEntry[]> {
  const names = new Set<string>();
  return parseEntries(text, (item) => {
    const entry = parseTokenEntry(item);
    if (!entry.ok) return entry;
    if (names.has(entry.value.name)) return err("repeats a name");
    names.add(entry.value.name);
    return entry;
  });
}

function parseTokenEntry(item: unknown): Result<TokenEntry> {
  if (typeof item !== "object" || item === null || Array.isArray(item))
    return err("is not an object");
  const { name, sha256, scopes, expires } = item as Record<string, unknown>;
  if (Object.keys(item).some((field) => !ENTRY_FIELDS.has(field)))
    return err("has an unknown field");
  if (typeof name !== "string" || !/^[\w.@-]{1,64}$/.test(name)) return err("lacks a plain name");
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    return err("lacks sha256 as 64 lower-case hex digits");
  }
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every(isScope)) {
    return err(`lacks scopes out of ${SCOPES.join(", ")}`);
  }
  if (expires === undefined) return ok({ name, sha256, scopes });
  if (typeof expires !== "string" || !isCalendarDay(expires))
    return err("has expires not as YYYY-MM-DD");
  return ok({ name, sha256, scopes, expires });
}

/** Whether `text` is a day there is, as YYYY-MM-DD. */
export function isCalendarDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === text;
}

/** Whether `entry` still works at `now`: until the end of its last day. */
export function isCurrent(entry: TokenEntry, now: Date): boolean {
  return entry.expires === undefined || now.toISOString().slice(0, 10) <= entry.expires;
}
