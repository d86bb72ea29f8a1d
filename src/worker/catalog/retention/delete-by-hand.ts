import type { StorePathHash } from "../../../nix/store-path.ts";
import { forgetPaths } from "../forget-paths.ts";
import { findReferrers } from "../find-referrers.ts";
import { PATH_STATES } from "../schema.ts";
import { firstRow } from "../sql.ts";
import type { RetentionContext } from "./retention-context.ts";
import type { BegunDeletion } from "./retention-port.ts";
import { finishPath, noteAbsent } from "./sweep-paths.ts";

type Context = Pick<RetentionContext, "sql" | "now" | "rules">;

/**
 * Begins the deletion of a path by a person, unless others need it. From now on a narinfo
 * that refers to it is refused, so no push can rely on it between the question and the DELETE.
 */
export function beginDeletion(context: Context, hash: StorePathHash): BegunDeletion {
  const { sql, now, rules } = context;
  return sql.transaction(() => {
    const referrers = findReferrers(sql, hash);
    if (referrers.length > 0) return { referrers };
    const heldUntil = now() + rules.attemptMilliseconds + rules.holdMilliseconds;
    const [begun] = sql.all<{ id: number }>(
      `UPDATE path SET state = ${PATH_STATES.deleting}, held_until = ?
       WHERE hash = ? AND state = ${PATH_STATES.present} RETURNING id`,
      heldUntil,
      hash,
    );
    if (begun === undefined) return { referrers };
    noteAbsent(sql, begun.id);
    return { referrers, heldUntil };
  });
}

/**
 * Makes a removed path of a path that was deleted. The deletion was sent once and has an
 * answer, so it cannot act later. One that the collection has begun is left alone: its
 * request may have no answer.
 */
export function endDeletion(context: Context, hash: StorePathHash, heldUntil: number): void {
  const { sql, now, rules } = context;
  sql.transaction(() => {
    const row = firstRow<{ id: number }>(
      sql,
      `SELECT id FROM path
       WHERE hash = ? AND state = ${PATH_STATES.deleting} AND held_until = ?`,
      hash,
      heldUntil,
    );
    if (row !== undefined) return finishPath(context, row.id);
    forgetPaths(sql, [hash], { goneUntil: now() + rules.tombstoneMilliseconds });
  });
}
