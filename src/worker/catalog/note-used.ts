import type { StorePathHash } from "../../nix/store-path.ts";
import { PATH_STATES } from "./schema.ts";
import type { Sql } from "./sql.ts";

/** How exact the time of the last use is: one row written for a path and day at most. */
const USE_PRECISION_MILLISECONDS = 24 * 3600 * 1000;

/** Notes that readers have asked for these paths. */
export function noteUsedPaths(sql: Sql, hashes: readonly StorePathHash[], now: number): void {
  sql.all(
    `UPDATE path SET used_at = ?2
     WHERE hash IN (SELECT value FROM json_each(?1)) AND state = ${PATH_STATES.present}
       AND coalesce(used_at, 0) <= ?3`,
    JSON.stringify(hashes),
    now,
    now - USE_PRECISION_MILLISECONDS,
  );
}
