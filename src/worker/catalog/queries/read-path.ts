import type { KnownPath } from "../../../api/catalog-answers.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { PATH_STATES } from "../schema.ts";
import { firstRow, type Sql, type SqlValue } from "../sql.ts";
import { isoTime, readKnowledge } from "./knowledge.ts";

/** What the catalog knows of a path. It keeps the texts of signatures, and does not verify them. */
export interface StoredPath extends Omit<KnownPath, "signatures"> {
  readonly signatures: readonly string[];
}

interface PathRow extends Record<string, SqlValue> {
  readonly id: number;
  readonly name: string | null;
  readonly state: number;
  readonly problem: string | null;
  readonly nar: string | null;
  readonly narHash: string | null;
  readonly narSize: number | null;
  readonly fileSize: number | null;
  readonly deriver: string | null;
  readonly sigs: string | null;
  readonly contentAddress: string | null;
  readonly pushedAt: string | null;
  readonly usedAt: string | null;
  readonly buildSeconds: number | null;
  readonly pushedBy: string | null;
  readonly claims: string | null;
  readonly pushAt: string | null;
}

/** Returns what is known of a path. `undefined` if no path of the cache names it. */
export function readPath(sql: Sql, hash: StorePathHash): StoredPath | undefined {
  const row = firstRow<PathRow>(
    sql,
    `SELECT path.id, name.name, path.state, path.problem, path.nar, path.nar_hash AS narHash,
       path.nar_size AS narSize, path.file_size AS fileSize, path.deriver, path.sigs,
       path.ca AS contentAddress, path.build_seconds AS buildSeconds,
       ${isoTime("path.pushed_at")} AS pushedAt, ${isoTime("path.used_at")} AS usedAt,
       push.by AS pushedBy, push.claims, ${isoTime("push.at")} AS pushAt
     FROM path LEFT JOIN name ON name.id = path.name_id LEFT JOIN push ON push.id = path.push_id
     WHERE path.hash = ?`,
    hash,
  );
  if (row === undefined) return undefined;
  const { id, name, state, sigs, pushedBy, claims, pushAt, ...facts } = row;
  return {
    ...readKnowledge(sql),
    hash,
    name,
    present: state === PATH_STATES.present,
    problem: facts.problem,
    nar: facts.nar,
    narHash: facts.narHash,
    narSize: facts.narSize,
    fileSize: facts.fileSize,
    deriver: facts.deriver,
    contentAddress: facts.contentAddress,
    pushedAt: facts.pushedAt,
    usedAt: facts.usedAt,
    buildSeconds: facts.buildSeconds,
    signatures: parseJson<readonly string[]>(sigs, []),
    push:
      pushedBy === null
        ? null
        : { by: pushedBy, at: pushAt ?? "", claims: parseJson<Record<string, string>>(claims, {}) },
    references: readRelated(
      sql,
      `SELECT value AS id FROM json_each((SELECT refs FROM path WHERE id = ?))`,
      id,
    ),
    referrers: readReferrers(sql, id),
  };
}

const FIRST_REFERRERS = 100;
const COUNTED_REFERRERS = 1000;

function readReferrers(sql: Sql, id: number): KnownPath["referrers"] {
  // Thousands of paths refer to glibc: their number is not worth thousands of rows.
  const counted = firstRow<{ count: number }>(
    sql,
    `SELECT count(*) AS count FROM (SELECT source FROM ref WHERE target = ? LIMIT ${COUNTED_REFERRERS + 1})`,
    id,
  );
  const count = counted?.count ?? 0;
  return {
    count: Math.min(count, COUNTED_REFERRERS),
    more: count > COUNTED_REFERRERS,
    first: readRelated(
      sql,
      `SELECT source AS id FROM ref WHERE target = ? LIMIT ${FIRST_REFERRERS}`,
      id,
    ),
  };
}

/** Reads the paths whose ids a query gives. */
function readRelated(sql: Sql, ids: string, id: number): KnownPath["references"] {
  return sql
    .all<{ hash: string; name: string | null; state: number }>(
      `SELECT path.hash, name.name, path.state FROM (${ids}) AS related
       JOIN path ON path.id = related.id LEFT JOIN name ON name.id = path.name_id
       ORDER BY name.name, path.hash`,
      id,
    )
    .map(({ hash, name, state }) => ({ hash, name, present: state === PATH_STATES.present }));
}

function parseJson<T>(text: string | null, otherwise: T): T {
  return text === null ? otherwise : (JSON.parse(text) as T);
}
