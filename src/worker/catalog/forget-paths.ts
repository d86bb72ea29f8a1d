import type { StorePathHash } from "../../nix/store-path.ts";
import { addToMeta } from "./meta.ts";
import { PATH_STATES } from "./schema.ts";
import { firstRow, type Sql } from "./sql.ts";

export interface ForgetOptions {
  /**
   * Until when clients may remember the paths. A narinfo that refers to one of them is
   * refused until then. 0: nothing is collected in this cache.
   */
  readonly goneUntil?: number;
}

/**
 * Takes paths out of the catalog whose narinfos are no longer in the bucket. A row
 * stays, without its facts, while other paths refer to it or clients may remember it. A path
 * that a push has announced, or whose deletion has no answer yet, stays as it is.
 */
export function forgetPaths(
  sql: Sql,
  hashes: readonly StorePathHash[],
  { goneUntil = 0 }: ForgetOptions = {},
): void {
  sql.transaction(() => {
    for (const hash of hashes) forgetPath(sql, hash, goneUntil);
  });
}

function forgetPath(sql: Sql, hash: StorePathHash, goneUntil: number): void {
  const path = firstRow<{
    id: number;
    state: number;
    nar_size: number | null;
    intent_at: number | null;
  }>(sql, "SELECT id, state, nar_size, intent_at FROM path WHERE hash = ?", hash);
  if (path === undefined) return;
  const { state } = path;
  if (state === PATH_STATES.deleting || state === PATH_STATES.gone) return;
  if (state === PATH_STATES.present) {
    addToMeta(sql, "paths", -1);
    addToMeta(sql, "narBytes", -(path.nar_size ?? 0));
  }
  if (path.intent_at !== null) {
    sql.all(`UPDATE path SET state = ${PATH_STATES.intended} WHERE id = ?`, path.id);
    if (state === PATH_STATES.present && goneUntil > 0) {
      // If the push comes to nothing, clients may still remember what was there before it.
      sql.all("UPDATE path SET gone_until = ? WHERE id = ?", goneUntil, path.id);
    }
    return;
  }
  clearPath(sql, path.id, goneUntil);
}

/**
 * Takes all facts and references from the row of a path whose narinfo is not in the bucket,
 * and the row itself if nothing needs it. `goneUntil` is 0 if no client can remember the path.
 */
export function clearPath(sql: Sql, id: number, goneUntil: number): void {
  sql.all(
    `DELETE FROM ref WHERE (target, source) IN (
       SELECT target.value, path.id FROM path JOIN json_each(path.refs) AS target WHERE path.id = ?
     )`,
    id,
  );
  sql.all("DELETE FROM intent_nar WHERE path = ?", id);
  const referrer = firstRow(sql, "SELECT source FROM ref WHERE target = ? LIMIT 1", id);
  if (referrer === undefined && goneUntil === 0) {
    sql.all("DELETE FROM path WHERE id = ?", id);
    return;
  }
  sql.all(
    `UPDATE path SET state = ?2, gone_until = ?3, nar = NULL, nar_hash = NULL, nar_size = NULL,
       file_size = NULL, refs = NULL, deriver = NULL, sigs = NULL, ca = NULL, version = NULL,
       text_size = NULL, problem = NULL, push_id = NULL, pushed_at = NULL, used_at = NULL,
       noted_at = NULL, intent_at = NULL, intents = NULL, condemned_at = NULL,
       held_until = NULL, build_seconds = NULL
     WHERE id = ?1`,
    id,
    goneUntil === 0 ? PATH_STATES.named : PATH_STATES.gone,
    goneUntil === 0 ? null : goneUntil,
  );
}
