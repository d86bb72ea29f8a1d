import type { ClosurePath } from "../../../api/catalog-answers.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { PATH_STATES } from "../schema.ts";
import type { Sql, SqlValue } from "../sql.ts";
import { readKnowledge } from "./knowledge.ts";

export interface DependentsQuery {
  readonly hash: StorePathHash;
  /** The most paths to walk. */
  readonly limit: number;
}

export interface KnownDependents {
  readonly complete: boolean;
  readonly listedFrom: string | null;
  /** Referrers before what they refer to; the path itself comes last. */
  readonly paths: readonly ClosurePath[];
  /** Whether there are more than `limit`. */
  readonly more: boolean;
}

interface DependentRow extends Record<string, SqlValue> {
  readonly id: number;
  readonly hash: string;
  readonly name: string | null;
  readonly state: number;
  readonly refs: string | null;
  readonly narSize: number | null;
  readonly fileSize: number | null;
}

/**
 * Returns a path with all paths of the cache that need it, directly or not, in an order in
 * which they can be deleted. `undefined` if the catalog does not know the path.
 */
export function listDependents(
  sql: Sql,
  { hash, limit }: DependentsQuery,
): KnownDependents | undefined {
  const rows = sql.all<DependentRow>(
    `WITH RECURSIVE dependent (id) AS (
       SELECT id FROM path WHERE hash = ?1
       UNION
       SELECT ref.source FROM dependent JOIN ref ON ref.target = dependent.id
       LIMIT ?2
     )
     SELECT path.id, path.hash, name.name, path.state, path.refs, path.nar_size AS narSize,
       path.file_size AS fileSize
     FROM dependent JOIN path ON path.id = dependent.id
     LEFT JOIN name ON name.id = path.name_id`,
    hash,
    limit + 1,
  );
  if (rows.length === 0) return undefined;
  const more = rows.length > limit;
  const paths = sortReferrersFirst(rows.slice(0, limit)).map(
    ({ hash: one, name, state, narSize, fileSize }) => ({
      hash: one,
      name,
      present: state === PATH_STATES.present,
      narSize,
      fileSize,
    }),
  );
  return { ...readKnowledge(sql), paths, more };
}

/** Sorts by the number of referrers that are still to come (Kahn). The graph has no circles. */
function sortReferrersFirst(rows: readonly DependentRow[]): readonly DependentRow[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const waiting = new Map(rows.map(({ id }) => [id, 0]));
  const referencesOf = (row: DependentRow): readonly number[] =>
    (JSON.parse(row.refs ?? "[]") as number[]).filter((id) => byId.has(id));
  for (const row of rows) {
    for (const id of referencesOf(row)) waiting.set(id, (waiting.get(id) ?? 0) + 1);
  }
  const sorted = rows.filter(({ id }) => waiting.get(id) === 0);
  for (let at = 0; at < sorted.length; at++) {
    for (const id of referencesOf(sorted[at] as DependentRow)) {
      const left = (waiting.get(id) ?? 0) - 1;
      waiting.set(id, left);
      if (left === 0) sorted.push(byId.get(id) as DependentRow);
    }
  }
  return sorted;
}
