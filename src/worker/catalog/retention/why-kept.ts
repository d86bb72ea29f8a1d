import type { StorePathHash } from "../../../nix/store-path.ts";
import { PATH_STATES } from "../schema.ts";
import { firstRow, type Sql } from "../sql.ts";
import {
  findLiveReferrer,
  findRule,
  type RetentionJudge,
  type JudgedRow,
  lastSeen,
} from "./keeping-rules.ts";
import type { WhyAnswer } from "./retention-port.ts";

/** References make no circle, so a chain ends. A longer one is cut. */
const LONGEST_CHAIN = 1000;

interface Row extends JudgedRow {
  readonly hash: StorePathHash;
  readonly state: number;
  readonly name: string | null;
  readonly condemned_at: number | null;
}

/**
 * Says why a path is kept: follows one living referrer after another up to a path that a
 * rule keeps. A path such as glibc has 29,000 referrers, so it never reads all of them.
 */
export function whyKept(judge: RetentionJudge, hash: StorePathHash): WhyAnswer {
  const { sql } = judge;
  const first = readRow(sql, "path.hash = ?", hash);
  const chain: { hash: StorePathHash; name: string | undefined }[] = [];
  const none = { chain, rule: undefined, since: undefined, goesAt: undefined };
  if (first === undefined || first.state === PATH_STATES.named) return { ...none, state: "absent" };
  if (first.state === PATH_STATES.gone) return { ...none, state: "removed" };
  if (first.state === PATH_STATES.deleting) return { ...none, state: "deleting" };
  let row: Row = first;
  for (;;) {
    chain.push({ hash: row.hash, name: row.name ?? undefined });
    const rule = findRule(judge, row);
    if (rule !== undefined) {
      const since = rule === "young" ? lastSeen(judge, row) : undefined;
      return { state: "kept", chain, rule, since, goesAt: undefined };
    }
    const referrer = chain.length < LONGEST_CHAIN ? findLiveReferrer(sql, row.id) : undefined;
    const next = referrer === undefined ? undefined : readRow(sql, "path.id = ?", referrer);
    if (next === undefined) {
      const from = first.condemned_at ?? judge.now;
      return { ...none, state: "going", goesAt: from + judge.rules.pathGraceMilliseconds };
    }
    row = next;
  }
}

function readRow(sql: Sql, condition: string, value: string | number): Row | undefined {
  return firstRow<Row>(
    sql,
    `SELECT path.id AS id, path.hash AS hash, state, name_id, name.name AS name, pushed_at,
       used_at, intent_at, condemned_at
     FROM path LEFT JOIN name ON name.id = path.name_id WHERE ${condition}`,
    value,
  );
}
