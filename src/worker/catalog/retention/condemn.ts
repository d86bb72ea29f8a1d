import { PATH_STATES } from "../schema.ts";
import { firstRow } from "../sql.ts";
import {
  findLiveReferrer,
  findRule,
  type RetentionJudge,
  JUDGED_COLUMNS,
  type JudgedRow,
} from "./keeping-rules.ts";
import { liftClosure } from "./lift-closure.ts";
import type { KeepingRule } from "./retention-port.ts";

/** What a part of the pass has found. */
export interface Found {
  readonly kept: Record<KeepingRule, number>;
  condemned: number;
  condemnedBytes: number;
}

export const nothingFound = (): Found => ({
  kept: { pinned: 0, young: 0, newest: 0, pushing: 0, needed: 0 },
  condemned: 0,
  condemnedBytes: 0,
});

interface Row extends JudgedRow {
  readonly file_size: number | null;
  readonly condemned_at: number | null;
}

const PAGE = 100;

/**
 * Judges the next paths below `before`, from the newest row to the oldest: a path mostly
 * has a later row than what it refers to, so its references are judged after it. Condemns
 * the paths that no rule keeps and no living path needs. Returns the last row that it
 * judged, or `undefined` at the end.
 *
 * Each call leaves a true state: nothing that a living path needs is condemned.
 */
export function condemnPage(
  judge: RetentionJudge,
  before: number,
  found: Found,
): number | undefined {
  const { sql } = judge;
  const rows = sql.all<Row>(
    `SELECT ${JUDGED_COLUMNS}, file_size, condemned_at FROM path
     WHERE id < ? AND state = ${PATH_STATES.present} ORDER BY id DESC LIMIT ${PAGE}`,
    before,
  );
  for (const row of rows) {
    const rule = judgeRow(judge, row);
    // The references below it are still to be judged.
    if (rule === undefined) condemnRow(judge, row, found, row.id);
    else {
      found.kept[rule]++;
      if (row.condemned_at !== null) liftClosure(sql, [row.id]);
    }
  }
  return rows.at(-1)?.id;
}

/**
 * Judges paths again whose referrers were condemned after they were judged. Returns whether
 * any is left.
 */
export function revisitPage(judge: RetentionJudge, found: Found): boolean {
  const { sql } = judge;
  const ids = sql.all<{ id: number }>(
    `DELETE FROM revisit WHERE id IN (SELECT id FROM revisit ORDER BY id DESC LIMIT ${PAGE})
     RETURNING id`,
  );
  for (const { id } of ids.toSorted((left, right) => right.id - left.id)) {
    const row = firstRow<Row>(
      sql,
      `SELECT ${JUDGED_COLUMNS}, file_size, condemned_at FROM path
       WHERE id = ? AND state = ${PATH_STATES.present} AND condemned_at IS NULL`,
      id,
    );
    if (row === undefined || judgeRow(judge, row) !== undefined) continue;
    found.kept.needed--;
    condemnRow(judge, row, found, 0);
  }
  return ids.length === PAGE;
}

function judgeRow(judge: RetentionJudge, row: JudgedRow): KeepingRule | undefined {
  const rule = findRule(judge, row);
  if (rule !== undefined) return rule;
  return findLiveReferrer(judge.sql, row.id) === undefined ? undefined : "needed";
}

/** Condemns a path. Its references above `above` were judged while it lived. */
function condemnRow({ sql, now }: RetentionJudge, row: Row, found: Found, above: number): void {
  found.condemned++;
  found.condemnedBytes += row.file_size ?? 0;
  if (row.condemned_at !== null) return;
  sql.all("UPDATE path SET condemned_at = ? WHERE id = ?", now, row.id);
  sql.all(
    `INSERT INTO revisit (id) SELECT target.value FROM path JOIN json_each(path.refs) AS target
     WHERE path.id = ? AND target.value > ? ON CONFLICT DO NOTHING`,
    row.id,
    above,
  );
}
