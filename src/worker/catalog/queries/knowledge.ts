import { readMeta } from "../meta.ts";
import type { Sql } from "../sql.ts";

/** How far the catalog is to be believed. */
export interface Knowledge {
  /** Whether the catalog has seen the whole bucket once. */
  readonly complete: boolean;
  /** It has seen every write before this time. In ISO format. */
  readonly listedFrom: string | null;
}

export function readKnowledge(sql: Sql): Knowledge {
  const listedFrom = readMeta(sql, "listedFrom");
  return {
    complete: readMeta(sql, "completeAt") !== undefined,
    listedFrom: listedFrom === undefined ? null : new Date(listedFrom).toISOString(),
  };
}

/** An expression of SQL that gives the time of a column in ISO format. */
export function isoTime(column: string): string {
  return `strftime('%Y-%m-%dT%H:%M:%SZ', ${column} / 1000, 'unixepoch')`;
}
