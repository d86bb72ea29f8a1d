import { readMeta, writeMeta } from "../meta.ts";
import { firstRow } from "../sql.ts";
import type { RetentionContext } from "./retention-context.ts";

type Context = Pick<RetentionContext, "sql" | "now" | "policy" | "rules">;

/**
 * Returns why nothing may be removed now, each with what to do. An empty list allows it.
 */
export function findObstacles({ sql, now, policy, rules }: Context): readonly string[] {
  const obstacles: string[] = [];
  if (!policy.isCollecting) obstacles.push("COLLECT is off: set COLLECT to on and deploy");
  const listedFrom = readMeta(sql, "listedFrom") ?? 0;
  if (readMeta(sql, "completeAt") === undefined || listedFrom === 0) {
    obstacles.push("the catalog does not know the whole bucket yet: wait until it is filled");
  } else if (listedFrom < trustedFrom({ sql, rules })) {
    obstacles.push(
      "a former deployment may have written without the catalog: the next listing of the bucket shows it, in an hour or two",
    );
  } else if (Math.abs(now() - listedFrom) >= rules.listingMilliseconds) {
    obstacles.push(
      "the last listing of the bucket is too old: the log says why the next one fails",
    );
  }
  if ((readMeta(sql, "pinProblem") ?? "") !== "") {
    obstacles.push("the pins cannot be read: the log says why");
  }
  const unreadable = firstRow<{ hash: string }>(
    sql,
    "SELECT hash FROM path WHERE problem IS NOT NULL LIMIT 1",
  );
  if (unreadable !== undefined) {
    obstacles.push(
      `${unreadable.hash}.narinfo cannot be read, so it may need any path: push its path again with --repair, or delete it`,
    );
  }
  return obstacles;
}

/**
 * Returns how long nothing may be stored or published, because a deletion of a lost catalog
 * may still act, of which this one knows nothing. 0 if that is over.
 */
export function startingMilliseconds({
  sql,
  now,
  rules,
}: Pick<RetentionContext, "sql" | "now" | "rules">): number {
  const bornAt = readMeta(sql, "bornAt") ?? now();
  return Math.max(0, bornAt + rules.attemptMilliseconds + rules.holdMilliseconds - now());
}

/** Only a listing that began after this time has seen every write that no intent announced. */
export function trustedFrom({ sql, rules }: Pick<RetentionContext, "sql" | "rules">): number {
  const since = readMeta(sql, "collectsSince") ?? 0;
  return since === 0 ? 0 : since + rules.settleMilliseconds;
}

/**
 * Keeps since when all pushes announce their narinfos. A deployment may have run in between
 * that did not ask this catalog, so a new one counts as a new beginning.
 */
export function noteDeployment(
  { sql, now, policy, rules }: Pick<RetentionContext, "sql" | "now" | "policy" | "rules">,
  deployment: string,
): void {
  sql.transaction(() => {
    if (readMeta(sql, "bornAt") === undefined) writeMeta(sql, "bornAt", now());
    const since = readMeta(sql, "collectsSince") ?? 0;
    if (!policy.isCollecting) {
      if (since !== 0) writeMeta(sql, "collectsSince", 0);
      return;
    }
    if (since !== 0 && readMeta(sql, "deployment") === deployment) return;
    writeMeta(sql, "collectsSince", now());
    writeMeta(sql, "deployment", deployment);
    const listAt = now() + rules.settleMilliseconds;
    writeMeta(sql, "nextStepAt", Math.min(readMeta(sql, "nextStepAt") ?? 0, listAt));
    // While pushes announced nothing, nobody lifted what they relied on.
    if (since === 0) {
      sql.all("UPDATE path SET condemned_at = NULL WHERE condemned_at IS NOT NULL");
    }
  });
}
