import { err, ok, type Result } from "../result.ts";

/**
 * Parses a setting that is a JSON array, and returns what `parseEntry` makes of
 * each entry. `parseEntry` returns its error as a predicate, such as "is empty".
 * The error here begins with the number of the entry, as in "entry 2 is empty".
 * An error never quotes an entry, because even a malformed entry may hold a secret.
 */
export function parseEntries<T>(
  text: string,
  parseEntry: (item: unknown) => Result<T>,
): Result<readonly T[]> {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return err("is not JSON");
  }
  if (!Array.isArray(list)) return err("is not a JSON array");
  const entries: T[] = [];
  for (const [index, item] of list.entries()) {
    const entry = parseEntry(item);
    if (!entry.ok) return err(`entry ${index + 1} ${entry.error}`);
    entries.push(entry.value);
  }
  return ok(entries);
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
