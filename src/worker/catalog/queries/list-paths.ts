import { PAGE_CURSOR } from "../../../api/catalog-limits.ts";
import type { ListedPath, PathPage } from "../../../api/catalog-answers.ts";
import { PATH_STATES } from "../schema.ts";
import type { Sql, SqlValue } from "../sql.ts";
import { isoTime, readKnowledge } from "./knowledge.ts";

/** Which page of the paths to read. */
export interface PathQuery {
  readonly order: "hash" | "name";
  /** The `next` of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** Returns a page of all paths of the cache. Reads 2 rows a path, and 5 by name. */
export function listPaths(sql: Sql, { order, after, limit }: PathQuery): PathPage {
  return order === "hash" ? pageByHash(sql, after ?? "", limit) : pageByName(sql, after, limit);
}

const COLUMNS = `path.hash, name.name, path.nar_size AS narSize, path.file_size AS fileSize,
  ${isoTime("path.pushed_at")} AS pushedAt, ${isoTime("path.used_at")} AS usedAt`;

function pageByHash(sql: Sql, after: string, limit: number): PathPage {
  const paths = sql.all<Row<ListedPath>>(
    `SELECT ${COLUMNS} FROM path LEFT JOIN name ON name.id = path.name_id
     WHERE path.hash > ?1 AND path.state = ${PATH_STATES.present}
     ORDER BY path.hash LIMIT ?2`,
    after,
    limit,
  );
  return {
    ...readKnowledge(sql),
    paths,
    next: paths.length < limit ? null : (paths.at(-1)?.hash ?? null),
  };
}

function pageByName(sql: Sql, after: string | undefined, limit: number): PathPage {
  return pageNames(sql, after, limit, (name, count) =>
    sql.all<NameRow>(
      "SELECT id, name AS key FROM name WHERE name > ? ORDER BY name LIMIT ?",
      name,
      count,
    ),
  );
}

type Row<T> = { [Key in keyof T]: T[Key] } & Record<string, SqlValue>;

/** A name, and the text that stands for it in a cursor: what the next names come behind. */
export type NameRow = Row<{ readonly id: number; readonly key: string | number }>;

interface PagePath extends Record<string, SqlValue> {
  readonly pathId: number;
  readonly nameId: number;
  readonly at: number;
}

/** Pages of names that a page of paths may look at: most names have a path. */
const CHUNKS = 5;

/**
 * Returns a page of the paths of names, in the order of the names and then of the pushes.
 * `nextNames` gives the names behind a key. One name may have more paths than a page, so a
 * page may begin and end within a name.
 */
export function pageNames(
  sql: Sql,
  after: string | undefined,
  limit: number,
  nextNames: (key: string, count: number) => readonly NameRow[],
): PathPage {
  const found: Row<ListedPath & PagePath>[] = [];
  const cursor = parseCursor(after);
  let key = cursor?.key ?? "";
  if (cursor !== undefined) found.push(...restOfName(sql, cursor, limit));
  const keys = new Map<number, string>(cursor === undefined ? [] : [[cursor.nameId, key]]);
  let next: string | null = null;
  for (let chunk = 0; found.length < limit; chunk++) {
    if (chunk === CHUNKS) {
      next = formatCursor(Number.MAX_SAFE_INTEGER, 0, 0, key);
      break;
    }
    const names = nextNames(key, limit);
    for (const name of names) keys.set(name.id, String(name.key));
    found.push(...pathsOf(sql, names, limit - found.length));
    if (names.length < limit && found.length < limit) break;
    key = String(names.at(-1)?.key ?? key);
  }
  const last = found.at(-1);
  if (found.length === limit && last !== undefined) {
    next = formatCursor(last.at, last.pathId, last.nameId, keys.get(last.nameId) ?? key);
  }
  return {
    ...readKnowledge(sql),
    paths: found.map(({ hash, name, narSize, fileSize, pushedAt, usedAt }) => ({
      hash,
      name,
      narSize,
      fileSize,
      pushedAt,
      usedAt,
    })),
    next,
  };
}

const PAGE_COLUMNS = `${COLUMNS}, path.id AS pathId, path.name_id AS nameId, path.pushed_at AS at`;

// The index gives the order, so both queries end at their LIMIT.
function pathsOf(sql: Sql, names: readonly NameRow[], limit: number) {
  return sql.all<Row<ListedPath & PagePath>>(
    `SELECT ${PAGE_COLUMNS} FROM json_each(?1) AS wanted
     CROSS JOIN path INDEXED BY path_name
       ON path.name_id = wanted.value AND path.pushed_at >= 0
     JOIN name ON name.id = path.name_id
     WHERE path.state = ${PATH_STATES.present} LIMIT ?2`,
    JSON.stringify(names.map(({ id }) => id)),
    limit,
  );
}

/** Reads the paths of a name behind a cursor. As one comparison of two values it would not use the index. */
function restOfName(sql: Sql, { at, pathId, nameId }: Cursor, limit: number) {
  const pushedThen = sql.all<Row<ListedPath & PagePath>>(
    `${REST_OF_NAME} AND path.pushed_at = ?2 AND path.id > ?3 ORDER BY path.id LIMIT ?4`,
    nameId,
    at,
    pathId,
    limit,
  );
  const pushedLater = sql.all<Row<ListedPath & PagePath>>(
    `${REST_OF_NAME} AND path.pushed_at > ?2 ORDER BY path.pushed_at, path.id LIMIT ?3`,
    nameId,
    at,
    limit - pushedThen.length,
  );
  return [...pushedThen, ...pushedLater];
}

const REST_OF_NAME = `
SELECT ${PAGE_COLUMNS} FROM path INDEXED BY path_name JOIN name ON name.id = path.name_id
WHERE path.state = ${PATH_STATES.present} AND path.name_id = ?1`;

/** Where a page by name ended: at which path of which name. */
interface Cursor {
  readonly at: number;
  readonly pathId: number;
  readonly nameId: number;
  readonly key: string;
}

function formatCursor(at: number, pathId: number, nameId: number, key: string): string {
  return `${at}.${pathId}.${nameId}.${key}`;
}

function parseCursor(text: string | undefined): Cursor | undefined {
  const [, at, pathId, nameId, key] = PAGE_CURSOR.exec(text ?? "") ?? [];
  if (key === undefined) return undefined;
  return { at: Number(at), pathId: Number(pathId), nameId: Number(nameId), key };
}
