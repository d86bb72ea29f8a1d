import type { ClosurePath, ClosureTotals } from "../../../api/catalog-answers.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { PATH_STATES } from "../schema.ts";
import type { Sql, SqlValue } from "../sql.ts";
import { readKnowledge } from "./knowledge.ts";

export interface ClosureQuery {
  readonly hash: StorePathHash;
  /** The most paths to walk. */
  readonly limit: number;
  /** Whether to return the paths too, and not only their sums. */
  readonly withPaths: boolean;
}

export interface KnownClosure extends ClosureTotals {
  /** The path itself first, then what it needs, nearest first. */
  readonly paths: readonly ClosurePath[];
}

interface ClosureRow extends Record<string, SqlValue> {
  readonly hash: string;
  readonly name: string | null;
  readonly state: number;
  readonly nar: string | null;
  readonly narSize: number | null;
  readonly fileSize: number | null;
}

/**
 * Returns a path with all paths that it needs. `undefined` if the catalog does not know the
 * path. Reads about 10 rows a path.
 */
export function sumClosure(
  sql: Sql,
  { hash, limit, withPaths }: ClosureQuery,
): KnownClosure | undefined {
  const rows = sql.all<ClosureRow>(
    `WITH RECURSIVE closure (id) AS (
       SELECT id FROM path WHERE hash = ?1
       UNION
       SELECT target.value FROM closure
       JOIN path AS source ON source.id = closure.id
       JOIN json_each(source.refs) AS target
       LIMIT ?2
     )
     SELECT path.hash, name.name, path.state, path.nar, path.nar_size AS narSize,
       path.file_size AS fileSize
     FROM closure JOIN path ON path.id = closure.id LEFT JOIN name ON name.id = path.name_id`,
    hash,
    limit + 1,
  );
  if (rows.length === 0) return undefined;
  const more = rows.length > limit;
  const nars = new Set<string>();
  const totals = { paths: 0, missing: 0, narSize: 0, fileSize: 0 };
  const paths: ClosurePath[] = [];
  for (const row of rows.slice(0, limit)) {
    const { name, state, nar, narSize, fileSize } = row;
    const present = state === PATH_STATES.present;
    if (withPaths) paths.push({ hash: row.hash, name, present, narSize, fileSize });
    if (!present) {
      totals.missing++;
      continue;
    }
    totals.paths++;
    totals.narSize += narSize ?? 0;
    if (nar === null || nars.has(nar)) continue;
    nars.add(nar);
    totals.fileSize += fileSize ?? 0;
  }
  return { paths, totals: { ...readKnowledge(sql), ...totals, more } };
}
