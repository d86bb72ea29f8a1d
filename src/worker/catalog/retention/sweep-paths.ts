import { listingKey, narinfoKey } from "../../../nix/object-key.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import type { Bucket } from "../../bucket/bucket.ts";
import type { BucketPath } from "../../bucket/incoming-path.ts";
import { CacheError } from "../../cache-error.ts";
import { clearPath } from "../forget-paths.ts";
import { inParallel } from "../in-parallel.ts";
import { addToMeta } from "../meta.ts";
import { PATH_STATES } from "../schema.ts";
import { firstRow, type Sql, type SqlValue } from "../sql.ts";
import { findObstacles } from "./may-remove.ts";
import type { RetentionContext } from "./retention-context.ts";
import { detailOf } from "../../log.ts";

/** How far the sweep is: the last condemned path that it looked at. */
export interface SweepCursor {
  readonly condemnedAt: number;
  readonly id: number;
}

export const SWEEP_START: SweepCursor = { condemnedAt: Number.MAX_SAFE_INTEGER, id: 0 };

/** The narinfo and its listing. */
const REQUESTS_FOR_EACH = 2;
const PAGE = 200;

interface Doomed extends Record<string, SqlValue> {
  readonly id: number;
  readonly hash: StorePathHash;
}

export interface SweepStep {
  readonly removed: number;
  /** `undefined`: no path is left that may go now. */
  readonly cursor: SweepCursor | undefined;
}

/**
 * Removes narinfos whose grace is over and that no narinfo needs. Referrers go first, and
 * what only they needed follows in the same sweep.
 */
export async function sweepPaths(
  context: RetentionContext,
  cursor: SweepCursor,
  { requests, atOnce }: { readonly requests: number; readonly atOnce: number },
): Promise<SweepStep> {
  const { sql } = context;
  const most = Math.floor(requests / REQUESTS_FOR_EACH);
  const { doomed, next } = sql.transaction(() => markDoomed(context, cursor, most));
  let removed = 0;
  await inParallel(doomed, atOnce, async (one) => {
    if (await removePath(context, one)) removed++;
  });
  requireProgress(doomed.length, removed);
  return { removed, cursor: next };
}

/** So many deletions without an answer are no chance. */
const SUSPICIOUS_FAILURES = 4;

/** Throws if the bucket deletes nothing: the next step waits, and holds no more names. */
export function requireProgress(wanted: number, removed: number): void {
  if (wanted < SUSPICIOUS_FAILURES || removed > 0) return;
  throw new CacheError("bucket-unavailable", "the bucket deletes nothing");
}

function markDoomed(
  context: RetentionContext,
  cursor: SweepCursor,
  most: number,
): { readonly doomed: readonly Doomed[]; readonly next: SweepCursor | undefined } {
  const { sql, now, rules } = context;
  if (findObstacles(context).length > 0) return { doomed: [], next: undefined };
  const doomed: Doomed[] = [];
  const mark = (id: number): void => {
    const one = findDoomed(context, id);
    if (one === undefined) return;
    sql.all(
      `UPDATE path SET state = ${PATH_STATES.deleting}, held_until = ? WHERE id = ?`,
      now() + rules.attemptMilliseconds + rules.holdMilliseconds,
      id,
    );
    noteAbsent(sql, id);
    doomed.push(one);
  };
  for (const { id } of sql.all<{ id: number }>("SELECT id FROM revisit LIMIT ?", PAGE)) {
    if (doomed.length === most) return { doomed, next: cursor };
    sql.all("DELETE FROM revisit WHERE id = ?", id);
    mark(id);
  }
  const page = sql.all<{ id: number; condemned_at: number }>(
    `SELECT id, condemned_at FROM path
     WHERE condemned_at <= ?1 AND (condemned_at < ?2 OR (condemned_at = ?2 AND id < ?3))
     ORDER BY condemned_at DESC, id DESC LIMIT ${PAGE}`,
    now() - rules.pathGraceMilliseconds,
    cursor.condemnedAt,
    cursor.id,
  );
  let next = cursor;
  for (const { id, condemned_at } of page) {
    if (doomed.length === most) return { doomed, next };
    mark(id);
    next = { condemnedAt: condemned_at, id };
  }
  const isEnd = page.length < PAGE && doomed.length === 0;
  return { doomed, next: isEnd && isEmpty(sql) ? undefined : next };
}

const isEmpty = (sql: Sql): boolean => firstRow(sql, "SELECT 1 FROM revisit LIMIT 1") === undefined;

/** Checks everything again, in the transaction that marks the path. */
function findDoomed({ sql, now, rules }: RetentionContext, id: number): Doomed | undefined {
  return firstRow<Doomed>(
    sql,
    `SELECT id, hash FROM path
     WHERE id = ?1 AND state = ${PATH_STATES.present} AND condemned_at <= ?2
       AND intent_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM ref WHERE target = ?1 AND source <> ?1)
       AND NOT EXISTS (SELECT 1 FROM kept WHERE kept.hash = path.hash)`,
    id,
    now() - rules.pathGraceMilliseconds,
  );
}

/** Takes a path out of the sums, or puts it back. */
export function noteAbsent(sql: Sql, id: number, direction: 1 | -1 = 1): void {
  const size = firstRow<{ nar_size: number | null }>(
    sql,
    "SELECT nar_size FROM path WHERE id = ?",
    id,
  );
  addToMeta(sql, "paths", -direction);
  addToMeta(sql, "narBytes", -direction * (size?.nar_size ?? 0));
}

/** Returns whether the bucket says that the narinfo is gone. */
async function removePath(context: RetentionContext, { id, hash }: Doomed): Promise<boolean> {
  const { bucket, sql, now, rules, log } = context;
  const hold = (milliseconds: number): void => {
    sql.all(
      `UPDATE path SET held_until = ? WHERE id = ? AND state = ${PATH_STATES.deleting}`,
      now() + milliseconds,
      id,
    );
  };
  // It may have waited for its turn since it was marked.
  hold(rules.attemptMilliseconds + rules.holdMilliseconds);
  try {
    await bucket.delete(narinfoKey(hash).path, { once: true });
  } catch (error) {
    // It may act late: nothing is published under this name until that is impossible.
    hold(rules.holdMilliseconds);
    const detail = detailOf(error);
    log("warn", "path-not-removed", { path: narinfoKey(hash).path, detail });
    return false;
  }
  finishPath(context, id);
  log("info", "path-removed", { path: narinfoKey(hash).path });
  // Nobody asks for a listing without its narinfo.
  await bucket.delete(listingKey(hash).path, { once: true }).catch(() => {});
  return true;
}

/** Makes a tombstone of a path whose narinfo is gone. What it needed may go next. */
export function finishPath(
  { sql, now, rules }: Pick<RetentionContext, "sql" | "now" | "rules">,
  id: number,
): void {
  sql.transaction(() => {
    const row = firstRow<{ nar: string | null; file_size: number | null }>(
      sql,
      `SELECT nar, file_size FROM path WHERE id = ? AND state = ${PATH_STATES.deleting}`,
      id,
    );
    if (row === undefined) return;
    sql.all(
      `INSERT INTO revisit (id) SELECT target.id FROM path JOIN json_each(path.refs) AS reference
       JOIN path AS target ON target.id = reference.value AND target.condemned_at IS NOT NULL
       WHERE path.id = ? ON CONFLICT DO NOTHING`,
      id,
    );
    clearPath(sql, id, now() + rules.tombstoneMilliseconds);
    if (row.nar === null) return;
    sql.all(
      `INSERT INTO loose_nar (nar, size, since)
       SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM path WHERE nar = ?1)
       ON CONFLICT DO UPDATE SET since = max(since, ?3)`,
      row.nar,
      row.file_size,
      now(),
    );
  });
}

/** `undefined`: the bucket fails. */
export async function askWhetherThere(
  bucket: Pick<Bucket, "head">,
  path: BucketPath,
): Promise<boolean | undefined> {
  return await bucket.head(path).then(
    (stored) => stored !== undefined,
    () => undefined,
  );
}

/** Asks the bucket about narinfos whose deletion got no answer. Returns the requests that it made. */
export async function resolveHeldPaths(context: RetentionContext, limit: number): Promise<number> {
  const { sql, bucket, now, rules } = context;
  const held = sql.all<Doomed>(
    `SELECT id, hash FROM path WHERE state = ${PATH_STATES.deleting} AND held_until <= ? LIMIT ?`,
    now(),
    limit,
  );
  for (const { id, hash } of held) {
    const isThere = await askWhetherThere(bucket, narinfoKey(hash).path);
    if (isThere === undefined) {
      sql.all("UPDATE path SET held_until = ? WHERE id = ?", now() + rules.holdMilliseconds, id);
    } else if (!isThere) finishPath(context, id);
    else {
      sql.transaction(() => {
        // It stays condemned, so the next sweep tries again.
        sql.all(
          `UPDATE path SET state = ${PATH_STATES.present}, held_until = NULL WHERE id = ?`,
          id,
        );
        noteAbsent(sql, id, -1);
      });
    }
  }
  return held.length;
}
