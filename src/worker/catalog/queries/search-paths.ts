import type { PathPage } from "../../../api/catalog-answers.ts";
import type { Sql } from "../sql.ts";
import { type NameRow, pageNames } from "./list-paths.ts";

/** A search for paths by a part of their names. */
export interface SearchQuery {
  /** Characters of store path names alone. */
  readonly name: string;
  readonly after: string | undefined;
  readonly limit: number;
}

/**
 * The platform refuses a longer pattern of LIKE (50 bytes, with both "%"). The whole text is
 * compared afterwards.
 */
const MAX_PATTERN_LENGTH = 48;

/**
 * Returns a page of the paths whose names contain a text, whatever its case, in the order in
 * which the names came into the cache. A text of one or two letters, for which the index has
 * nothing, finds the packages of exactly this name: `jq` finds `jq-1.6`.
 */
export function searchPaths(sql: Sql, { name, after, limit }: SearchQuery): PathPage {
  const find = hasTrigram(name) ? namesWith(sql, name) : namesOfPackage(sql, name);
  return pageNames(sql, after, limit, find);
}

/** Whether the text has three characters in a row that are no wildcard of LIKE: else every name would be read. */
function hasTrigram(text: string): boolean {
  return text
    .slice(0, MAX_PATTERN_LENGTH)
    .split("_")
    .some((part) => part.length >= 3);
}

function namesWith(sql: Sql, text: string) {
  // With ESCAPE the index would not be used. So "_" stands for any character here, and
  // instr() drops what it found too much. No name has a "%".
  const pattern = `%${text.slice(0, MAX_PATTERN_LENGTH)}%`;
  return (key: string, count: number) =>
    sql.all<NameRow>(
      `SELECT name_fts.rowid AS id, name_fts.rowid AS key FROM name_fts
       WHERE name_fts.name LIKE ?1 AND name_fts.rowid > ?2
         AND instr(lower(name_fts.name), lower(?3)) > 0
       ORDER BY name_fts.rowid LIMIT ?4`,
      pattern,
      Number(key),
      text,
      count,
    );
}

function namesOfPackage(sql: Sql, pname: string) {
  return (key: string, count: number) =>
    sql.all<NameRow>(
      "SELECT id, id AS key FROM name WHERE pname = ? AND id > ? ORDER BY id LIMIT ?",
      pname,
      Number(key),
      count,
    );
}
