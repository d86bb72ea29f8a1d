import type { StorePathHash } from "../../nix/store-path.ts";
import { PATH_STATES } from "./schema.ts";
import type { Sql } from "./sql.ts";

const MOST = 4;

/**
 * Returns the base names of some paths that refer to a path, or that a push is about to
 * publish with a reference to it.
 */
export function findReferrers(sql: Sql, hash: StorePathHash): readonly string[] {
  const rows = sql.all<{ hash: string; name: string | null }>(
    `SELECT source.hash, name.name FROM path AS target
     JOIN ref ON ref.target = target.id JOIN path AS source ON source.id = ref.source
     LEFT JOIN name ON name.id = source.name_id
     WHERE target.hash = ? AND source.state IN (${PATH_STATES.present}, ${PATH_STATES.intended})
     LIMIT ${MOST}`,
    hash,
  );
  return rows.map((row) => (row.name === null ? row.hash : `${row.hash}-${row.name}`));
}
