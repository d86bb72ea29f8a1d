import type { CatalogStats } from "../../../api/catalog-answers.ts";
import type { CatalogStatus } from "../catalog.ts";
import { firstRow, type Sql } from "../sql.ts";
import { isoTime, readKnowledge } from "./knowledge.ts";

const COUNTED_LOOSE_NARS = 10_000;

/** Returns numbers about the whole cache. Reads few rows: sums are kept, not made. */
export function readStats(sql: Sql, status: CatalogStatus): CatalogStats {
  const loose = firstRow<{ nars: number; bytes: number }>(
    sql,
    `SELECT count(*) AS nars, coalesce(sum(size), 0) AS bytes
     FROM (SELECT size FROM loose_nar LIMIT ${COUNTED_LOOSE_NARS})`,
  );
  const push = firstRow<{ id: number; by: string; at: string }>(
    sql,
    `SELECT id, by, ${isoTime("at")} AS at FROM push ORDER BY id DESC LIMIT 1`,
  );
  return {
    ...readKnowledge(sql),
    listing: status.listing?.done ?? null,
    failure: status.failure ?? null,
    paths: status.paths,
    narSize: status.narBytes,
    storedNars: status.storedNars ?? null,
    storedBytes: status.storedBytes ?? null,
    looseNars: loose?.nars ?? 0,
    looseBytes: loose?.bytes ?? 0,
    unreadable: status.unreadable,
    pushes: push?.id ?? 0,
    lastPush: push === undefined ? null : { by: push.by, at: push.at },
    databaseBytes: status.databaseBytes,
    rows: { read: sql.rows.read, written: sql.rows.written },
  };
}
