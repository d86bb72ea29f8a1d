import { firstRow, type Sql } from "./sql.ts";

/**
 * What is known of a path.
 *
 * - named (0): other paths refer to it, and this cache does not have it.
 * - present (1): its narinfo is in the bucket.
 * - intended (2): a push has said that it will publish it.
 * - deleting (3): its narinfo is being deleted.
 * - gone (4): it was collected. The row stays for the clients that remember it.
 */
export const PATH_STATES = { named: 0, present: 1, intended: 2, deleting: 3, gone: 4 } as const;

/** Raised with each change of the tables. A catalog of another version is built again. */
const SCHEMA_VERSION = 3;

// All times are milliseconds since 1970 by the clock of the object.
const TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE path (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  name_id INTEGER,
  state INTEGER NOT NULL,
  nar TEXT,              -- as the narinfo names it, such as nar/<hash>.nar.zst
  nar_hash TEXT,         -- nix32
  nar_size INTEGER,      -- bytes, unpacked
  file_size INTEGER,     -- bytes, as stored
  refs TEXT,             -- JSON array of ids, without its own
  deriver TEXT,          -- base name
  sigs TEXT,             -- JSON array, as written
  ca TEXT,
  version TEXT,          -- of the narinfo: its entity tag, see listedVersion()
  text_size INTEGER,     -- bytes of the narinfo
  problem TEXT,          -- why the narinfo cannot be read; then the columns above are empty
  push_id INTEGER,
  pushed_at INTEGER,
  used_at INTEGER,
  noted_at INTEGER,      -- when a push, or a listing, last told of it
  intent_at INTEGER,     -- the last intent that is not resolved; refs then has the references of all
  intents INTEGER,       -- the number of intents that are not resolved
  condemned_at INTEGER,  -- since when nothing keeps it
  held_until INTEGER,    -- while it is being deleted: when the bucket may be asked
  gone_until INTEGER,    -- until when clients may remember a removed path
  build_seconds INTEGER
);
CREATE INDEX path_nar ON path (nar) WHERE nar IS NOT NULL;
CREATE INDEX path_name ON path (name_id, pushed_at);
CREATE INDEX path_condemned ON path (condemned_at) WHERE condemned_at IS NOT NULL;
CREATE INDEX path_passing ON path (state) WHERE state IN (2, 3, 4);
CREATE INDEX path_intent ON path (intent_at) WHERE intent_at IS NOT NULL;
CREATE INDEX path_problem ON path (id) WHERE problem IS NOT NULL;

-- Who refers to a path. The other direction is path.refs.
CREATE TABLE ref (target INTEGER, source INTEGER, PRIMARY KEY (target, source)) WITHOUT ROWID;

CREATE TABLE name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, pname TEXT NOT NULL);
CREATE INDEX name_pname ON name (pname);
CREATE VIRTUAL TABLE name_fts USING fts5(
  name, content = 'name', content_rowid = 'id', tokenize = 'trigram', detail = 'none'
);
CREATE TRIGGER name_added AFTER INSERT ON name BEGIN
  INSERT INTO name_fts (rowid, name) VALUES (new.id, new.name);
END;

-- NARs that no path names, and NARs that are being deleted.
CREATE TABLE loose_nar (
  nar TEXT PRIMARY KEY,
  size INTEGER,
  since INTEGER NOT NULL,
  leased_until INTEGER NOT NULL DEFAULT 0,
  deleting_until INTEGER
) WITHOUT ROWID;
CREATE INDEX loose_nar_deleting ON loose_nar (deleting_until) WHERE deleting_until IS NOT NULL;

-- The NARs that the narinfos of intents may name.
CREATE TABLE intent_nar (nar TEXT, path INTEGER, PRIMARY KEY (nar, path)) WITHOUT ROWID;
CREATE INDEX intent_nar_path ON intent_nar (path);

-- The paths whose pins were read last, and paths that a run must look at again.
CREATE TABLE kept (hash TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE revisit (id INTEGER PRIMARY KEY);

-- The bytes of the paths by the day from which their age counts; see size-budget.ts.
CREATE TABLE weight (day INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);

-- One row for each request that published something. claims is JSON.
CREATE TABLE push (id INTEGER PRIMARY KEY, by TEXT NOT NULL, claims TEXT, at INTEGER NOT NULL);
`;

/**
 * Makes the tables. Drops everything if another version of the gateway made them: the
 * catalog is then filled again from the bucket. Only the removed paths are kept, because the
 * bucket does not tell of them.
 */
export function ensureSchema(sql: Sql): void {
  if (hasSchema(sql)) return;
  sql.transaction(() => {
    const former = readFormer(sql);
    dropTables(sql);
    sql.all(TABLES);
    sql.all("INSERT INTO meta VALUES ('schema', ?)", SCHEMA_VERSION);
    for (let at = 0; at < former.tombstones.length; at += MAX_ROWS) {
      sql.all(
        `INSERT INTO path (hash, state, gone_until)
         SELECT value->>0, ${PATH_STATES.gone}, value->>1 FROM json_each(?)`,
        JSON.stringify(former.tombstones.slice(at, at + MAX_ROWS)),
      );
    }
    if (former.bornAt === undefined) return;
    sql.all("INSERT INTO meta VALUES ('bornAt', ?)", former.bornAt);
  });
}

/** SQLite binds at most 2 MB in one value. A row takes 50 bytes. */
const MAX_ROWS = 10_000;

interface Former {
  readonly tombstones: readonly (readonly [hash: string, goneUntil: number])[];
  /** `undefined` if deletions may still act of which the new tables do not know. */
  readonly bornAt: number | undefined;
}

/** Returns what the next tables need of the former ones, whichever version made these. */
function readFormer(sql: Sql): Former {
  try {
    const rows = sql.all<{ hash: string; gone_until: number }>(
      "SELECT hash, gone_until FROM path WHERE gone_until IS NOT NULL",
    );
    const deletion = firstRow(
      sql,
      `SELECT hash FROM path WHERE state = ${PATH_STATES.deleting}
       UNION ALL SELECT nar FROM loose_nar WHERE deleting_until IS NOT NULL LIMIT 1`,
    );
    const born = firstRow<{ value: number }>(sql, "SELECT value FROM meta WHERE key = 'bornAt'");
    return {
      tombstones: rows.map((row) => [row.hash, row.gone_until] as const),
      bornAt: deletion === undefined ? born?.value : undefined,
    };
  } catch {
    // There are no tables, or they are older than collection.
    return { tombstones: [], bornAt: undefined };
  }
}

/** Whether this version of the gateway has made the tables. */
export function hasSchema(sql: Sql): boolean {
  return readVersion(sql) === SCHEMA_VERSION;
}

/** Drops the virtual table first: its own tables go with it. The platform's begin with `_cf_`. */
function dropTables(sql: Sql): void {
  sql.all("DROP TABLE IF EXISTS name_fts");
  const tables = sql.all<{ name: string }>(
    `SELECT name FROM sqlite_master
     WHERE type = 'table' AND substr(name, 1, 4) <> '_cf_' AND substr(name, 1, 7) <> 'sqlite_'`,
  );
  for (const { name } of tables) sql.all(`DROP TABLE "${name}"`);
}

function readVersion(sql: Sql): number | undefined {
  const table = firstRow(
    sql,
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'meta'",
  );
  if (table === undefined) return undefined;
  return firstRow<{ value: number }>(sql, "SELECT value FROM meta WHERE key = 'schema'")?.value;
}
