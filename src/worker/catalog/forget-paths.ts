import type { StorePathHash } from "../../nix/store-path.ts";
import { addToMeta } from "./meta.ts";
import { PATH_STATES } from "./schema.ts";
import { firstRow, type Sql } from "./sql.ts";

/**
 * Takes paths out of the catalog whose narinfos are no longer in the bucket. A row
 * stays, without its facts, while other paths refer to it.
 */
export function forgetPaths(sql: Sql, hashes: readonly StorePathHash[]): void {
  sql.transaction(() => {
    for (const hash of hashes) forgetPath(sql, hash);
  });
}

function forgetPath(sql: Sql, hash: StorePathHash): void {
  const path = firstRow<{ id: number; state: number; nar_size: number | null }>(
    sql,
    "SELECT id, state, nar_size FROM path WHERE hash = ?",
    hash,
  );
  if (path === undefined) return;
  if (path.state === PATH_STATES.present) {
    addToMeta(sql, "paths", -1);
    addToMeta(sql, "narBytes", -(path.nar_size ?? 0));
  }
  sql.all(
    `DELETE FROM ref WHERE (target, source) IN (
       SELECT target.value, path.id FROM path JOIN json_each(path.refs) AS target WHERE path.id = ?
     )`,
    path.id,
  );
  const referrer = firstRow(sql, "SELECT source FROM ref WHERE target = ? LIMIT 1", path.id);
  if (referrer === undefined) {
    sql.all("DELETE FROM path WHERE id = ?", path.id);
    return;
  }
  sql.all(
    `UPDATE path SET state = ${PATH_STATES.named}, nar = NULL, nar_hash = NULL, nar_size = NULL,
       file_size = NULL, refs = NULL, deriver = NULL, sigs = NULL, ca = NULL, version = NULL,
       text_size = NULL, problem = NULL, push_id = NULL, pushed_at = NULL, used_at = NULL,
       noted_at = NULL, intent_at = NULL, condemned_at = NULL, build_seconds = NULL
     WHERE id = ?`,
    path.id,
  );
}
