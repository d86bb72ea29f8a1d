import { firstRow, type Sql } from "../sql.ts";
import { readKnowledge } from "./knowledge.ts";

/** Which paths name a NAR, or are about to, as far as the catalog knows. */
export interface NarUsers {
  readonly complete: boolean;
  /** Whether a narinfo exists that the gateway cannot read: it may name any NAR. */
  readonly hasUnreadable: boolean;
  /** The hashes of some of the paths that name it. */
  readonly paths: readonly string[];
}

const FIRST_USERS = 5;

export function findNarUsers(sql: Sql, nar: string): NarUsers {
  const unreadable = firstRow(sql, "SELECT 1 FROM path WHERE problem IS NOT NULL LIMIT 1");
  const users = sql.all<{ hash: string }>(
    `SELECT hash FROM path WHERE nar = ?1
     UNION SELECT path.hash FROM intent_nar JOIN path ON path.id = intent_nar.path
     WHERE intent_nar.nar = ?1 LIMIT ${FIRST_USERS}`,
    nar,
  );
  const { complete } = readKnowledge(sql);
  return {
    complete,
    hasUnreadable: unreadable !== undefined,
    paths: users.map(({ hash }) => hash),
  };
}
