import { parseObjectPath } from "../../nix/object-key.ts";
import type { ListedSegment } from "./merge-listing.ts";
import type { Sql } from "./sql.ts";

/**
 * Compares a part of the listing of NARs with the paths that name them. Keeps since when
 * no path names a NAR, and forgets loose NARs that are gone.
 */
export function mergeNars(sql: Sql, { after, upTo, objects, askedAt }: ListedSegment): void {
  const end = upTo ?? "~";
  const named = readNars(
    sql,
    "SELECT DISTINCT nar FROM path WHERE nar > ? AND nar <= ?",
    after,
    end,
  );
  const loose = readNars(sql, "SELECT nar FROM loose_nar WHERE nar > ? AND nar <= ?", after, end);
  const listed = new Map(objects.map(({ path, sizeBytes }) => [path, sizeBytes]));
  for (const [nar, sizeBytes] of listed) {
    if (named.has(nar)) continue;
    if (loose.has(nar)) continue;
    // No narinfo can name it, and no client read it.
    if (!parseObjectPath(nar).ok) continue;
    sql.all("INSERT INTO loose_nar (nar, size, since) VALUES (?, ?, ?)", nar, sizeBytes, askedAt);
  }
  for (const nar of loose) {
    // A NAR that an upload has leased may come at any time.
    const isGone = !listed.has(nar);
    if (named.has(nar))
      sql.all("DELETE FROM loose_nar WHERE nar = ? AND deleting_until IS NULL", nar);
    else if (isGone) {
      sql.all(
        "DELETE FROM loose_nar WHERE nar = ? AND leased_until < ? AND deleting_until IS NULL",
        nar,
        askedAt,
      );
    }
  }
}

function readNars(sql: Sql, query: string, after: string, end: string): ReadonlySet<string> {
  return new Set(sql.all<{ nar: string }>(query, after, end).map(({ nar }) => nar));
}
