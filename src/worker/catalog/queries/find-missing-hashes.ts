import type { StorePathHash } from "../../../nix/store-path.ts";
import { readMeta } from "../meta.ts";
import { PATH_STATES } from "../schema.ts";
import type { Sql } from "../sql.ts";

/** The answer about many paths: which of them the cache does not have, or why the catalog cannot tell. */
export type MissingHashes =
  | { readonly missing: readonly StorePathHash[] }
  | { readonly unknown: "incomplete" | "old" };

/** A listing begins each day; it takes some time, and may fail for a while. */
const FRESH_MILLISECONDS = 26 * 3600 * 1000;

/** SQLite binds at most 2 MB in one value, and workerd on a developer's machine does not check that. */
const HASHES_AT_ONCE = 10_000;

/**
 * Returns the hashes whose narinfos the cache does not have. Reads at most 3 rows a hash. Does not
 * guess: the answer is "unknown" unless a whole listing began within the last 26 hours.
 */
export function findMissingHashes(
  sql: Sql,
  hashes: readonly StorePathHash[],
  now: number,
): MissingHashes {
  if (readMeta(sql, "completeAt") === undefined) return { unknown: "incomplete" };
  if (Math.abs(now - (readMeta(sql, "listedFrom") ?? 0)) > FRESH_MILLISECONDS)
    return { unknown: "old" };
  const missing: StorePathHash[] = [];
  for (let start = 0; start < hashes.length; start += HASHES_AT_ONCE) {
    const rows = sql.all<{ hash: StorePathHash }>(
      `SELECT wanted.value AS hash FROM json_each(?) AS wanted
       LEFT JOIN path ON path.hash = wanted.value AND path.state = ${PATH_STATES.present}
       WHERE path.id IS NULL`,
      JSON.stringify(hashes.slice(start, start + HASHES_AT_ONCE)),
    );
    for (const { hash } of rows) missing.push(hash);
  }
  return { missing };
}
