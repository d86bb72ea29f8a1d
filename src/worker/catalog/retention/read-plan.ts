import type { StorePathHash } from "../../../nix/store-path.ts";
import { PATH_STATES } from "../schema.ts";
import { findRule, type RetentionJudge, type JudgedRow } from "./keeping-rules.ts";
import type { PlannedPath, PlanPage } from "./retention-port.ts";

interface Row extends JudgedRow {
  readonly hash: StorePathHash;
  readonly name: string | null;
  readonly file_size: number | null;
  readonly condemned_at: number | null;
}

const MAX_PLAN_PAGE = 1000;

/** Returns a page of the plan in the order of the hashes; see `CatalogPort.readPlan`. */
export function readPlan(
  judge: RetentionJudge,
  { show, after = "" as StorePathHash, limit }: PlanPage,
): readonly PlannedPath[] {
  const isGoing = show === "going";
  const rows = judge.sql.all<Row>(
    `SELECT path.id AS id, path.hash AS hash, name_id, name.name AS name, pushed_at, used_at,
       intent_at, file_size, condemned_at
     FROM path LEFT JOIN name ON name.id = path.name_id
     WHERE path.hash > ? AND state = ${PATH_STATES.present}
       AND (condemned_at IS NOT NULL) = ? ORDER BY path.hash LIMIT ?`,
    after,
    isGoing ? 1 : 0,
    Math.min(limit, MAX_PLAN_PAGE),
  );
  return rows.map((row) => ({
    hash: row.hash,
    name: row.name ?? undefined,
    fileBytes: row.file_size ?? undefined,
    pushedAt: row.pushed_at ?? undefined,
    usedAt: row.used_at ?? undefined,
    goesAt:
      row.condemned_at === null ? undefined : row.condemned_at + judge.rules.pathGraceMilliseconds,
    rule: isGoing ? undefined : (findRule(judge, row) ?? "needed"),
  }));
}
