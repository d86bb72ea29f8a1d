import { narinfoKey } from "../../../nix/object-key.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { clearPath, forgetPaths } from "../forget-paths.ts";
import { readNarinfo } from "../read-narinfo.ts";
import { recordPaths } from "../record-paths.ts";
import { firstRow } from "../sql.ts";
import type { RetentionContext } from "./retention-context.ts";
import { detailOf } from "../../log.ts";

/**
 * Asks the bucket what became of intents of which no push has told the end. Returns the
 * requests that it made. If the bucket fails, the intent holds for longer.
 */
export async function resolveIntents(context: RetentionContext, limit: number): Promise<number> {
  const { sql, now, rules, log } = context;
  const due = sql.all<{ hash: StorePathHash; intent_at: number }>(
    "SELECT hash, intent_at FROM path WHERE intent_at <= ? ORDER BY intent_at LIMIT ?",
    now() - rules.resolveMilliseconds,
    limit,
  );
  for (const { hash, intent_at } of due) {
    await resolve(context, hash, intent_at).catch((error: unknown) => {
      sql.all(
        "UPDATE path SET intent_at = ? WHERE hash = ? AND intent_at = ?",
        now(),
        hash,
        intent_at,
      );
      const detail = detailOf(error);
      log("warn", "intent-not-resolved", { path: narinfoKey(hash).path, detail });
    });
  }
  return due.length;
}

async function resolve(
  context: RetentionContext,
  hash: StorePathHash,
  resolves: number,
): Promise<void> {
  const { sql, now } = context;
  const found = await readNarinfo(context, hash);
  sql.transaction(() => {
    const row = firstRow<{ id: number; intent_at: number | null }>(
      sql,
      "SELECT id, intent_at FROM path WHERE hash = ?",
      hash,
    );
    // Another push has announced this path meanwhile.
    if (row?.intent_at !== resolves) return;
    if (found === undefined) return endIntent(context, hash, row.id);
    recordPaths(sql, [
      {
        hash,
        facts: found.facts,
        textSizeBytes: found.sizeBytes,
        version: found.version,
        publishedAt: now(),
        notedAt: now(),
        pushId: undefined,
        resolves,
      },
    ]);
  });
}

/** Ends the intent of a path that the bucket does not have, or has no longer. */
function endIntent(
  { sql, now, rules }: Pick<RetentionContext, "sql" | "now" | "rules">,
  hash: StorePathHash,
  id: number,
): void {
  // A path that was published before its intent becomes a removed path.
  forgetPaths(sql, [hash], { goneUntil: now() + rules.tombstoneMilliseconds });
  const row = firstRow<{ gone_until: number | null }>(
    sql,
    "SELECT gone_until FROM path WHERE id = ?",
    id,
  );
  const goneUntil = row?.gone_until ?? 0;
  clearPath(sql, id, goneUntil > now() ? goneUntil : 0);
}

/** Returns when the next intent is to be resolved, in milliseconds since 1970. */
export function nextResolveAt({ sql, rules }: Pick<RetentionContext, "sql" | "rules">): number {
  const first = firstRow<{ at: number | null }>(
    sql,
    "SELECT min(intent_at) AS at FROM path WHERE intent_at IS NOT NULL",
  );
  return (first?.at ?? Infinity) + rules.resolveMilliseconds;
}
