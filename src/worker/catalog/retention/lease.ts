import type { StorePathHash } from "../../../nix/store-path.ts";
import { PATH_STATES } from "../schema.ts";
import type { SqlValue } from "../sql.ts";
import { liftClosure } from "./lift-closure.ts";
import { startingMilliseconds } from "./may-remove.ts";
import type { RetentionContext } from "./retention-context.ts";
import type { LeaseAnswer, Leases } from "./retention-port.ts";

type LeaseContext = Pick<RetentionContext, "sql" | "now" | "rules">;

/** Keeps NARs and paths for a push that relies on them; see `CatalogPort.lease`. */
export function lease(
  context: LeaseContext & Pick<RetentionContext, "policy">,
  { paths = [], nars = [] }: Leases,
): LeaseAnswer {
  return context.sql.transaction(() => {
    notePathsUsed(context, paths);
    const lost = context.sql.all<{ hash: StorePathHash }>(
      `SELECT hash FROM json_each(?) AS leased JOIN path ON path.hash = leased.value
       WHERE state IN (${PATH_STATES.deleting}, ${PATH_STATES.gone})`,
      JSON.stringify(paths),
    );
    const retryMilliseconds = startingMilliseconds(context);
    return {
      retryMilliseconds: retryMilliseconds === 0 ? undefined : retryMilliseconds,
      busyNars: nars.filter((nar) => !leaseNar(context, nar)),
      lostPaths: lost.map(({ hash }) => hash),
    };
  });
}

/**
 * Keeps a NAR for a day, whether the bucket has it or not. Returns false if it is being
 * deleted: nothing may be stored under its name until the answer of the bucket is known.
 */
export function leaseNar({ sql, now, rules }: LeaseContext, nar: string): boolean {
  const leased = sql.all<Record<string, SqlValue>>(
    `INSERT INTO loose_nar (nar, since, leased_until) VALUES (?1, ?2, ?3)
     ON CONFLICT DO UPDATE SET since = ?2, leased_until = ?3 WHERE deleting_until IS NULL
     RETURNING nar`,
    nar,
    now(),
    now() + rules.leaseMilliseconds,
  );
  return leased.length > 0;
}

/** A use is written down again after this share of the age: one row for each path and week. */
const SHARE_OF_AGE = 7;
const DAY = 24 * 3600 * 1000;

/**
 * Notes that paths are in use, and lifts the condemnation of all that they need. A path
 * that was noted a short time ago is not written again.
 */
export function notePathsUsed(
  { sql, now, policy }: Pick<RetentionContext, "sql" | "now" | "policy">,
  hashes: readonly StorePathHash[],
): void {
  const at = now();
  const freshFrom = at - Math.min((policy.ageMilliseconds ?? Infinity) / SHARE_OF_AGE, DAY);
  const stale = sql.all<{ id: number; condemned_at: number | null }>(
    `SELECT path.id AS id, condemned_at FROM json_each(?) AS used
     JOIN path ON path.hash = used.value
     WHERE state = ${PATH_STATES.present}
       AND (condemned_at IS NOT NULL OR coalesce(used_at, 0) <= ?)`,
    JSON.stringify(hashes),
    freshFrom,
  );
  if (stale.length === 0) return;
  sql.all(
    "UPDATE path SET used_at = ? WHERE id IN (SELECT value FROM json_each(?))",
    at,
    JSON.stringify(stale.map(({ id }) => id)),
  );
  liftClosure(
    sql,
    stale.filter(({ condemned_at }) => condemned_at !== null).map(({ id }) => id),
  );
}
