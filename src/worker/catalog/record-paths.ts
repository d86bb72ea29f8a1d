import {
  packageNameOf,
  type StorePath,
  type StorePathHash,
  type StorePathName,
} from "../../nix/store-path.ts";
import { addToMeta } from "./meta.ts";
import type { PathFacts } from "./path-facts.ts";
import { PATH_STATES } from "./schema.ts";
import { liftClosure } from "./retention/lift-closure.ts";
import { firstRow, type Sql, type SqlValue } from "./sql.ts";

/** A published path, as a push or a listing tells of it. Times are in milliseconds. */
export interface PathRecord {
  readonly hash: StorePathHash;
  readonly facts: PathFacts | { readonly problem: string };
  readonly textSizeBytes: number;
  /** Tells this text from another one of this path; see `listedVersion`. `undefined`: not listed yet. */
  readonly version: string | undefined;
  readonly publishedAt: number;
  readonly notedAt: number;
  /** Who pushed it. `undefined` if a listing found it. */
  readonly pushId: number | undefined;
  readonly buildSeconds?: number | undefined;
  /** The `intent_at` of the row before the bucket was asked, if this is to resolve the intents of the path. */
  readonly resolves?: number | undefined;
}

/** SQLite binds at most 2 MB in one value, and workerd on a developer's machine does not check that. */
const MAX_BOUND_CHARACTERS = 500_000;
const MAX_RECORDS = 100;

/**
 * Writes paths, their names and references. Writing the same again changes nothing but
 * times. All of it happens in one transaction.
 *
 * Statements take lists as JSON: that needs 8 statements for 100 paths, where one for
 * each row would need 2,000.
 */
export function recordPaths(sql: Sql, records: readonly PathRecord[]): void {
  sql.transaction(() => {
    for (const chunk of chunksOf(records)) recordChunk(sql, chunk);
  });
}

function* chunksOf(records: readonly PathRecord[]): Generator<readonly PathRecord[]> {
  let chunk: PathRecord[] = [];
  let length = 0;
  for (const record of records) {
    const size = JSON.stringify(record).length;
    if (chunk.length === MAX_RECORDS || (length + size > MAX_BOUND_CHARACTERS && length > 0)) {
      yield chunk;
      chunk = [];
      length = 0;
    }
    chunk.push(record);
    length += size;
  }
  if (chunk.length > 0) yield chunk;
}

function recordChunk(sql: Sql, records: readonly PathRecord[]): void {
  const references = records.flatMap(({ facts }) => ("problem" in facts ? [] : facts.references));
  recordNames(
    sql,
    [
      ...references,
      ...records.flatMap(({ facts }) => ("problem" in facts ? [] : facts.storePath)),
    ].map(({ name }) => name),
  );
  sql.all(
    `INSERT INTO path (hash, name_id, state)
     SELECT value->>0, (SELECT id FROM name WHERE name = value->>1), ${PATH_STATES.named}
     FROM json_each(?) WHERE true ON CONFLICT (hash) DO NOTHING`,
    JSON.stringify(uniquePaths(references)),
  );
  const pending = readPending(sql, records);
  const rows = JSON.stringify(records.map((record) => toRow(record, pending.get(record.hash))));
  const before = countPresent(sql, rows);
  sql.all(DROP_STALE_EDGES, rows);
  sql.all(WRITE_PATHS, rows);
  sql.all(WRITE_EDGES, rows);
  settleIntents(sql, rows);
  liftReferences(sql, rows);
  const after = countPresent(sql, rows);
  addToMeta(sql, "paths", after.paths - before.paths);
  addToMeta(sql, "narBytes", after.narBytes - before.narBytes);
}

function recordNames(sql: Sql, names: readonly StorePathName[]): void {
  const pairs = [...new Set(names)].map((name) => [name, packageNameOf(name)]);
  sql.all(
    `INSERT INTO name (name, pname) SELECT value->>0, value->>1
     FROM json_each(?) WHERE true ON CONFLICT (name) DO NOTHING`,
    JSON.stringify(pairs),
  );
}

function uniquePaths(paths: readonly StorePath[]): readonly (readonly string[])[] {
  return [...new Map(paths.map(({ hash, name }) => [hash, [hash, name]])).values()];
}

/** The intents of a path that are not resolved. */
interface Pending extends Record<string, SqlValue> {
  readonly hash: string;
  readonly intent_at: number;
  readonly intents: number;
  readonly refs: string | null;
  readonly nar: string | null;
}

function readPending(sql: Sql, records: readonly PathRecord[]): ReadonlyMap<string, Pending> {
  const rows = sql.all<Pending>(
    `SELECT path.hash, intent_at, intents, refs, nar FROM json_each(?) AS new
     JOIN path ON path.hash = new.value WHERE intent_at IS NOT NULL`,
    JSON.stringify(records.map(({ hash }) => hash)),
  );
  return new Map(rows.map((row) => [row.hash, row]));
}

/**
 * Whether this text is what the intents of its path have come to. With several intents, the
 * text of one push does not tell which PUT was the last: only the bucket knows.
 */
function isSettled(record: PathRecord, pending: Pending | undefined): boolean {
  if (pending === undefined || pending.intent_at === record.resolves) return true;
  return record.pushId !== undefined && pending.intents === 1;
}

/**
 * The columns of a path, by the names that the statements below use. Until the intents of a
 * path are settled, its row names all that any of their narinfos may name.
 */
function toRow(
  record: PathRecord,
  pending: Pending | undefined,
): Readonly<Record<string, unknown>> {
  const settled = isSettled(record, pending);
  const { facts } = record;
  const common = {
    hash: record.hash,
    version: record.version,
    text_size: record.textSizeBytes,
    published_at: record.publishedAt,
    noted_at: record.notedAt,
    push_id: record.pushId,
    build_seconds: record.buildSeconds,
    settled: settled ? 1 : 0,
    intent_at: settled ? null : pending?.intent_at,
    intents: settled ? null : pending?.intents,
    keep: settled ? [] : (JSON.parse(pending?.refs ?? "[]") as unknown),
    keep_nar: settled ? null : pending?.nar,
  };
  if ("problem" in facts) return { ...common, problem: facts.problem, refs: [] };
  return {
    ...common,
    name: facts.storePath.name,
    nar: facts.nar,
    nar_hash: facts.narHash,
    nar_size: facts.narSizeBytes,
    file_size: facts.fileSizeBytes,
    refs: facts.references.map(({ hash }) => hash),
    deriver: facts.deriver,
    sigs: facts.signatures,
    ca: facts.contentAddress,
  };
}

const DROP_STALE_EDGES = `
DELETE FROM ref WHERE (target, source) IN (
  SELECT old.value, path.id
  FROM json_each(?) AS new
  JOIN path ON path.hash = new.value->>'hash'
  JOIN json_each(path.refs) AS old
  WHERE old.value NOT IN (
    SELECT target.id FROM json_each(new.value->'refs') AS now
    JOIN path AS target ON target.hash = now.value
  ) AND old.value NOT IN (SELECT kept.value FROM json_each(new.value->'keep') AS kept)
)`;

// A path that is being deleted stays so: the answer of the bucket decides what it is.
// What a listing finds does not replace who pushed the path, nor when. A path that only a
// listing knows counts as used now: nothing expires because the catalog was lost.
const WRITE_PATHS = `
INSERT INTO path (
  hash, name_id, state, nar, nar_hash, nar_size, file_size, refs, deriver, sigs, ca,
  version, text_size, problem, push_id, pushed_at, used_at, noted_at, build_seconds,
  intent_at, intents
)
SELECT
  value->>'hash', (SELECT id FROM name WHERE name = value->>'name'), ${PATH_STATES.present},
  value->>'nar', value->>'nar_hash', value->>'nar_size', value->>'file_size',
  (SELECT json_group_array(id) FROM (
    SELECT target.id FROM json_each(new.value->'refs') AS now
    JOIN path AS target ON target.hash = now.value
    UNION SELECT kept.value FROM json_each(new.value->'keep') AS kept)),
  value->>'deriver', value->>'sigs', value->>'ca',
  value->>'version', value->>'text_size', value->>'problem', value->>'push_id',
  value->>'published_at', value->>'noted_at', value->>'noted_at', value->>'build_seconds',
  value->>'intent_at', value->>'intents'
FROM json_each(?) AS new WHERE true
ON CONFLICT (hash) DO UPDATE SET
  name_id = coalesce(excluded.name_id, name_id),
  state = CASE state WHEN ${PATH_STATES.deleting} THEN state ELSE excluded.state END,
  nar = excluded.nar, nar_hash = excluded.nar_hash, nar_size = excluded.nar_size,
  file_size = excluded.file_size, refs = excluded.refs, deriver = excluded.deriver,
  sigs = excluded.sigs, ca = excluded.ca, version = excluded.version,
  text_size = excluded.text_size, problem = excluded.problem,
  pushed_at = CASE WHEN excluded.push_id IS NULL
    THEN coalesce(pushed_at, excluded.pushed_at) ELSE excluded.pushed_at END,
  condemned_at = CASE WHEN excluded.push_id IS NULL THEN condemned_at END,
  push_id = coalesce(excluded.push_id, push_id),
  used_at = CASE WHEN excluded.push_id IS NULL AND state = ${PATH_STATES.present}
    THEN coalesce(used_at, excluded.used_at)
    ELSE max(coalesce(used_at, 0), excluded.used_at) END,
  noted_at = excluded.noted_at, intent_at = excluded.intent_at, intents = excluded.intents,
  gone_until = NULL,
  build_seconds = coalesce(excluded.build_seconds, build_seconds)`;

const WRITE_EDGES = `
INSERT INTO ref (target, source)
SELECT target.value, path.id
FROM json_each(?) AS new
JOIN path ON path.hash = new.value->>'hash'
JOIN json_each(path.refs) AS target
WHERE true ON CONFLICT DO NOTHING`;

/** A NAR that a path named before its intents stays protected with those of the intents. */
function settleIntents(sql: Sql, rows: string): void {
  sql.all(
    `DELETE FROM intent_nar WHERE path IN (
       SELECT path.id FROM json_each(?) AS new JOIN path ON path.hash = new.value->>'hash'
       WHERE new.value->>'settled' = 1
     )`,
    rows,
  );
  sql.all(
    `INSERT INTO intent_nar (nar, path)
     SELECT new.value->>'keep_nar', path.id FROM json_each(?) AS new
     JOIN path ON path.hash = new.value->>'hash' WHERE new.value->>'keep_nar' IS NOT NULL
     ON CONFLICT DO NOTHING`,
    rows,
  );
  sql.all(
    `DELETE FROM loose_nar WHERE deleting_until IS NULL
       AND nar IN (SELECT value->>'nar' FROM json_each(?))`,
    rows,
  );
}

/** Lifts the condemnation of all that a path refers to: if the path stays, they stay. */
function liftReferences(sql: Sql, rows: string): void {
  const targets = sql.all<{ id: number }>(
    `SELECT DISTINCT target.id AS id FROM json_each(?) AS new
     JOIN path ON path.hash = new.value->>'hash' AND path.condemned_at IS NULL
     JOIN json_each(path.refs) AS reference
     JOIN path AS target ON target.id = reference.value AND target.condemned_at IS NOT NULL`,
    rows,
  );
  liftClosure(
    sql,
    targets.map(({ id }) => id),
  );
}

function countPresent(
  sql: Sql,
  rows: string,
): { readonly paths: number; readonly narBytes: number } {
  const found = firstRow<{ paths: number; narBytes: number }>(
    sql,
    `SELECT count(*) AS paths, coalesce(sum(path.nar_size), 0) AS narBytes
     FROM json_each(?) AS new JOIN path ON path.hash = new.value->>'hash'
     WHERE path.state = ${PATH_STATES.present}`,
    rows,
  );
  return found ?? { paths: 0, narBytes: 0 };
}
