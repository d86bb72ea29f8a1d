import { clearPath } from "../forget-paths.ts";
import { PATH_STATES } from "../schema.ts";
import type { RetentionContext } from "./retention-context.ts";

const PAGE = 200;

/**
 * Forgets removed paths that no client can remember any more. Returns the last row that it
 * looked at, or `undefined` at the end.
 */
export function endTombstones(
  { sql, now }: Pick<RetentionContext, "sql" | "now">,
  after: number,
): number | undefined {
  const rows = sql.all<{ id: number; gone_until: number }>(
    `SELECT id, gone_until FROM path WHERE state = ${PATH_STATES.gone} AND id > ?
     ORDER BY id LIMIT ${PAGE}`,
    after,
  );
  for (const { id, gone_until } of rows) {
    if (gone_until <= now()) clearPath(sql, id, 0);
  }
  return rows.length < PAGE ? undefined : rows.at(-1)?.id;
}
