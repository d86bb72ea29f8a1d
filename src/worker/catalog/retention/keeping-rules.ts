import type { RetentionSettings } from "../../../settings/retention-settings.ts";
import { PATH_STATES } from "../schema.ts";
import { firstRow, type Sql, type SqlValue } from "../sql.ts";
import type { KeepingRule } from "./retention-port.ts";
import type { RetentionRules } from "./retention-rules.ts";

/** The columns by which a path is judged. */
export interface JudgedRow extends Record<string, SqlValue> {
  readonly id: number;
  readonly hash: string;
  readonly name_id: number | null;
  readonly pushed_at: number | null;
  readonly used_at: number | null;
  readonly intent_at: number | null;
}

export const JUDGED_COLUMNS = "id, hash, name_id, pushed_at, used_at, intent_at";

/** The rules for one moment. */
export interface RetentionJudge {
  readonly sql: Sql;
  readonly now: number;
  readonly policy: RetentionSettings;
  readonly rules: RetentionRules;
  /** No path counts as older than this. */
  readonly usedFloor: number;
  /** With a size budget: paths older than this are not kept by their age. */
  readonly cutoff: number;
}

/**
 * Returns the rule that keeps a path for itself, whether another path needs it or not.
 * `undefined`: none does.
 */
export function findRule(judge: RetentionJudge, row: JudgedRow): KeepingRule | undefined {
  const { sql, now, policy } = judge;
  if (row.intent_at !== null) return "pushing";
  if (firstRow(sql, "SELECT 1 FROM kept WHERE hash = ?", row.hash) !== undefined) return "pinned";
  if (isYoung(judge, row)) return "young";
  if (policy.newest > 0 && isAmongNewest(sql, row, policy.newest)) return "newest";
  // A push may rely on a path that it was told of; see `lease`.
  return (row.used_at ?? 0) > now - judge.rules.leaseMilliseconds ? "pushing" : undefined;
}

function isYoung(judge: RetentionJudge, row: JudgedRow): boolean {
  const { now, policy, cutoff } = judge;
  const age = policy.ageMilliseconds;
  const since = lastSeen(judge, row);
  return since >= cutoff && (age === undefined || since > now - age);
}

/** Returns the time from which the age of a path counts. */
export function lastSeen(
  { policy, usedFloor }: Pick<RetentionJudge, "policy" | "usedFloor">,
  { pushed_at, used_at }: Pick<JudgedRow, "pushed_at" | "used_at">,
): number {
  const used = policy.since === "use" ? (used_at ?? 0) : 0;
  return Math.max(pushed_at ?? 0, used, usedFloor);
}

/** Whether fewer than `count` paths of the same package name were pushed later. */
function isAmongNewest(sql: Sql, { id, name_id, pushed_at }: JudgedRow, count: number): boolean {
  const newer = sql.all(
    `SELECT 1 FROM name AS own JOIN name AS same ON same.pname = own.pname
     JOIN path ON path.name_id = same.id
     WHERE own.id = ?1 AND path.state = ${PATH_STATES.present}
       AND path.pushed_at >= ?2 AND (path.pushed_at > ?2 OR path.id > ?3)
     LIMIT ?4`,
    name_id,
    pushed_at ?? 0,
    id,
    count,
  );
  return newer.length < count;
}

/**
 * Returns a path that needs this one and is not condemned: the newest one. A path that is
 * being deleted needs nothing any more.
 */
export function findLiveReferrer(sql: Sql, id: number): number | undefined {
  return firstRow<{ source: number }>(
    sql,
    `SELECT ref.source AS source FROM ref JOIN path ON path.id = ref.source
     WHERE ref.target = ?1 AND ref.source <> ?1 AND path.condemned_at IS NULL
       AND path.state IN (${PATH_STATES.present}, ${PATH_STATES.intended})
     ORDER BY ref.source DESC LIMIT 1`,
    id,
  )?.source;
}
