import { parseObjectPath } from "../../../nix/object-key.ts";
import { inParallel } from "../in-parallel.ts";
import { readMeta } from "../meta.ts";
import type { SqlValue } from "../sql.ts";
import { findObstacles } from "./may-remove.ts";
import { askWhetherThere, requireProgress } from "./sweep-paths.ts";
import type { RetentionContext } from "./retention-context.ts";
import { detailOf } from "../../log.ts";

export interface NarSweepStep {
  readonly removed: number;
  readonly bytes: number;
  /** The last NAR that was looked at. `undefined`: no NAR is left that may go now. */
  readonly after: string | undefined;
}

interface Loose extends Record<string, SqlValue> {
  readonly nar: string;
  readonly size: number | null;
}

const PAGE = 200;

/** Removes NARs that no narinfo has named for the grace. */
export async function sweepNars(
  context: RetentionContext,
  after: string,
  { requests, atOnce }: { readonly requests: number; readonly atOnce: number },
): Promise<NarSweepStep> {
  const { sql } = context;
  const { doomed, next } = sql.transaction(() => markDoomed(context, after, requests));
  let removed = 0;
  let bytes = 0;
  await inParallel(doomed, atOnce, async (one) => {
    if (!(await removeNar(context, one))) return;
    removed++;
    bytes += one.size ?? 0;
  });
  requireProgress(doomed.length, removed);
  return { removed, bytes, after: next };
}

function markDoomed(
  context: RetentionContext,
  after: string,
  most: number,
): { readonly doomed: readonly Loose[]; readonly next: string | undefined } {
  const { sql, now, rules } = context;
  if (findObstacles(context).length > 0) return { doomed: [], next: undefined };
  // What named it before, a listing must have seen, and no late PUT may bring it back.
  const seenBefore = (readMeta(sql, "listedFrom") ?? 0) - rules.resolveMilliseconds;
  const page = sql.all<{ nar: string }>(
    `SELECT nar FROM loose_nar WHERE nar > ? ORDER BY nar LIMIT ${PAGE}`,
    after,
  );
  const doomed: Loose[] = [];
  let next = after;
  for (const { nar } of page) {
    if (doomed.length === most) return { doomed, next };
    next = nar;
    const marked = sql.all<Loose>(
      `UPDATE loose_nar SET deleting_until = ?2
       WHERE nar = ?1 AND deleting_until IS NULL AND leased_until <= ?3 AND since <= ?4
         AND since <= ?5
         AND NOT EXISTS (SELECT 1 FROM path WHERE path.nar = ?1)
         AND NOT EXISTS (SELECT 1 FROM intent_nar WHERE intent_nar.nar = ?1)
       RETURNING nar, size`,
      nar,
      now() + rules.attemptMilliseconds + rules.holdMilliseconds,
      now(),
      now() - rules.narGraceMilliseconds,
      seenBefore,
    );
    doomed.push(...marked);
  }
  return { doomed, next: page.length < PAGE ? undefined : next };
}

/** Returns whether the bucket says that the NAR is gone. */
async function removeNar(context: RetentionContext, { nar }: Loose): Promise<boolean> {
  const { bucket, sql, now, rules, log } = context;
  const key = parseObjectPath(nar);
  const hold = (milliseconds: number): void => {
    sql.all(
      "UPDATE loose_nar SET deleting_until = ? WHERE nar = ? AND deleting_until IS NOT NULL",
      now() + milliseconds,
      nar,
    );
  };
  // It may have waited for its turn since it was marked.
  hold(rules.attemptMilliseconds + rules.holdMilliseconds);
  try {
    if (!key.ok) throw new Error(key.error);
    await bucket.delete(key.value.path, { once: true });
  } catch (error) {
    // It may act late: nothing is stored under this name until that is impossible.
    hold(rules.holdMilliseconds);
    const detail = detailOf(error);
    log("warn", "nar-not-removed", { path: nar, detail });
    return false;
  }
  sql.all("DELETE FROM loose_nar WHERE nar = ?", nar);
  log("info", "nar-removed", { path: nar });
  return true;
}

/** Asks the bucket about NARs whose deletion got no answer. Returns the requests that it made. */
export async function resolveHeldNars(context: RetentionContext, limit: number): Promise<number> {
  const { sql, bucket, now, rules } = context;
  const held = sql.all<{ nar: string }>(
    "SELECT nar FROM loose_nar WHERE deleting_until <= ? LIMIT ?",
    now(),
    limit,
  );
  for (const { nar } of held) {
    const key = parseObjectPath(nar);
    const isThere = key.ok ? await askWhetherThere(bucket, key.value.path) : true;
    if (isThere === undefined) {
      const until = now() + rules.holdMilliseconds;
      sql.all("UPDATE loose_nar SET deleting_until = ? WHERE nar = ?", until, nar);
    } else if (!isThere) sql.all("DELETE FROM loose_nar WHERE nar = ?", nar);
    else sql.all("UPDATE loose_nar SET deleting_until = NULL WHERE nar = ?", nar);
  }
  return held.length;
}
