import { PATH_STATES } from "../schema.ts";
import type { Sql } from "../sql.ts";
import { lastSeen, type RetentionJudge } from "./keeping-rules.ts";

const DAY = 24 * 3600 * 1000;
const PAGE = 500;

/**
 * The size budget: the oldest paths that only their age keeps go first. All paths are
 * weighed by the day from which their age counts, and a cutoff is chosen so that the days
 * behind it fit the budget. A younger path may need older ones, so what stays may be more:
 * then the cutoff moves on.
 */

/** Weighs the next paths below `before`. Returns the last row, or `undefined` at the end. */
export function weighPage(judge: RetentionJudge, before: number): number | undefined {
  const { sql } = judge;
  const rows = sql.all<{
    id: number;
    pushed_at: number | null;
    used_at: number | null;
    file_size: number | null;
  }>(
    `SELECT id, pushed_at, used_at, file_size FROM path
     WHERE id < ? AND state = ${PATH_STATES.present} ORDER BY id DESC LIMIT ${PAGE}`,
    before,
  );
  const days = new Map<number, number>();
  for (const row of rows) {
    const day = Math.floor(lastSeen(judge, row) / DAY);
    days.set(day, (days.get(day) ?? 0) + (row.file_size ?? 0));
  }
  sql.all(
    `INSERT INTO weight (day, bytes) SELECT value->>0, value->>1 FROM json_each(?) WHERE true
     ON CONFLICT (day) DO UPDATE SET bytes = bytes + excluded.bytes`,
    JSON.stringify([...days]),
  );
  return rows.at(-1)?.id;
}

interface DayWeight extends Record<string, number> {
  readonly day: number;
  readonly bytes: number;
}

/** Returns the first cutoff, in milliseconds since 1970, and the bytes of all paths. */
export function chooseCutoff(
  { all }: Pick<Sql, "all">,
  budgetBytes: number,
  now: number,
): { readonly cutoff: number; readonly bytes: number } {
  const days = all<DayWeight>("SELECT day, bytes FROM weight ORDER BY day DESC");
  const bytes = days.reduce((sum, one) => sum + one.bytes, 0);
  let kept = 0;
  let cutoff = latestCutoff(now);
  for (const one of days) {
    kept += one.bytes;
    if (kept > budgetBytes) break;
    cutoff = Math.min(cutoff, one.day * DAY);
  }
  return { cutoff, bytes };
}

/**
 * Returns a later cutoff, that gives up as many bytes of the next days as are too many.
 * `undefined`: only what was pushed or used since yesterday is left, which stays.
 */
export function raiseCutoff(
  { all }: Pick<Sql, "all">,
  cutoff: number,
  excessBytes: number,
  now: number,
): number | undefined {
  if (cutoff >= latestCutoff(now)) return undefined;
  const days = all<DayWeight>(
    "SELECT day, bytes FROM weight WHERE day >= ? ORDER BY day",
    Math.floor(cutoff / DAY),
  );
  let given = 0;
  for (const { day, bytes } of days) {
    given += bytes;
    const next = Math.min((day + 1) * DAY, latestCutoff(now));
    if (given >= excessBytes && next > cutoff) return next;
  }
  return latestCutoff(now);
}

/** Nothing that was pushed or used in the last day goes for the budget. */
const latestCutoff = (now: number): number => now - DAY;
