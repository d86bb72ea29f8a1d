import type { Sql } from "../sql.ts";

/**
 * Takes the condemnation from these paths, and from all condemned paths that they need. A
 * path that is not condemned refers to none that is, so the walk ends there.
 */
export function liftClosure(sql: Sql, ids: readonly number[]): void {
  if (ids.length === 0) return;
  sql.all(
    `WITH RECURSIVE lifted (id) AS (
       SELECT value FROM json_each(?)
       UNION
       SELECT target.id FROM lifted JOIN path ON path.id = lifted.id
       JOIN json_each(path.refs) AS reference
       JOIN path AS target ON target.id = reference.value AND target.condemned_at IS NOT NULL
     )
     UPDATE path SET condemned_at = NULL
     WHERE id IN (SELECT id FROM lifted) AND condemned_at IS NOT NULL`,
    JSON.stringify(ids),
  );
}
