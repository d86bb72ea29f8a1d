import { narinfoKey } from "../../../nix/object-key.ts";
import {
  packageNameOf,
  parseStorePathBaseName,
  type StorePath,
  type StorePathHash,
} from "../../../nix/store-path.ts";
import { PATH_STATES } from "../schema.ts";
import { firstRow, type Sql } from "../sql.ts";
import { leaseNar } from "./lease.ts";
import { liftClosure } from "./lift-closure.ts";
import { startingMilliseconds } from "./may-remove.ts";
import type { RetentionContext } from "./retention-context.ts";
import type { IntendedNarinfo, IntentAnswer, Intentions, IntentVerdict } from "./retention-port.ts";

/**
 * The most requests of one call, since the free plan allows 50. The notes of a push come
 * soon: a pusher with more such references asks again.
 */
const MOST_QUESTIONS = 36;

/** An announced narinfo whose names are checked. */
interface Intent {
  readonly path: StorePath;
  readonly nar: string | undefined;
  readonly references: readonly StorePath[];
}

/** What is known of one narinfo without a request to the bucket. */
interface Draft {
  readonly verdict: IntentVerdict;
  /** Removed paths that a push is publishing again. The bucket says whether it has done so. */
  readonly unsure: readonly StorePath[];
}

/**
 * Writes down what a push is about to publish, so that nothing that its narinfos name is
 * removed. A narinfo that gets another verdict than "ok" may not be written.
 */
export async function intend(
  context: RetentionContext,
  { narinfos, alongside = [], upstream = [] }: Intentions,
): Promise<IntentAnswer> {
  const { sql, bucket } = context;
  const retryMilliseconds = startingMilliseconds(context);
  if (retryMilliseconds > 0) return { status: "starting", retryMilliseconds };
  const intents = narinfos.map(parseIntent);
  const own = intents.map(({ path }) => path.hash);
  const known = new Set<string>([...upstream, ...alongside, ...own]);
  const drafts = sql.transaction(() => intents.map((intent) => decide(context, intent, known)));
  const unsure = new Map(
    drafts.flatMap((draft) => draft.unsure).map((path) => [path.hash, path] as const),
  );
  // Their referrers are written down by now, so what the bucket shows will stay.
  const absent = new Set<StorePathHash>();
  const present = new Set<StorePathHash>();
  for (const { hash } of [...unsure.values()].slice(0, MOST_QUESTIONS)) {
    const isThere = (await bucket.head(narinfoKey(hash).path)) !== undefined;
    (isThere ? present : absent).add(hash);
  }
  return {
    status: "answered",
    verdicts: drafts.map(({ verdict, unsure: some }) => {
      const collected = some.filter(({ hash }) => absent.has(hash));
      if (collected.length > 0) return { kind: "collected", references: namesOf(collected) };
      return some.every(({ hash }) => present.has(hash)) ? verdict : { kind: "busy" };
    }),
  };
}

function parseIntent({ path, nar, references }: IntendedNarinfo): Intent {
  const own = parseBaseName(path);
  return {
    path: own,
    nar,
    references: references.map(parseBaseName).filter(({ hash }) => hash !== own.hash),
  };
}

function parseBaseName(text: string): StorePath {
  const path = parseStorePathBaseName(text);
  if (!path.ok) throw new Error(path.error);
  return path.value;
}

const namesOf = (paths: readonly StorePath[]): readonly string[] =>
  paths.map(({ hash, name }) => `${hash}-${name}`);

interface KnownRow extends Record<string, number | null> {
  readonly id: number;
  readonly state: number;
  readonly gone_until: number | null;
}

function findPath(sql: Sql, hash: StorePathHash): KnownRow | undefined {
  return firstRow<KnownRow>(sql, "SELECT id, state, gone_until FROM path WHERE hash = ?", hash);
}

function decide(context: RetentionContext, intent: Intent, known: ReadonlySet<string>): Draft {
  const { sql, now } = context;
  const { path, nar, references } = intent;
  const row = findPath(sql, path.hash);
  if (row?.state === PATH_STATES.deleting || isBeingDeleted(sql, nar)) {
    return { verdict: { kind: "busy" }, unsure: [] };
  }
  const collected: StorePath[] = [];
  const unsure: StorePath[] = [];
  for (const reference of references) {
    if (known.has(reference.hash)) continue;
    const found = findPath(sql, reference.hash);
    if (found === undefined) continue;
    const isRemembered = (found.gone_until ?? 0) > now();
    if (found.state === PATH_STATES.deleting) collected.push(reference);
    else if (found.state === PATH_STATES.gone && isRemembered) collected.push(reference);
    else if (found.state === PATH_STATES.intended && isRemembered) unsure.push(reference);
  }
  if (collected.length > 0) {
    return { verdict: { kind: "collected", references: namesOf(collected) }, unsure: [] };
  }
  write(context, intent);
  return { verdict: { kind: "ok" }, unsure };
}

function isBeingDeleted(sql: Sql, nar: string | undefined): boolean {
  if (nar === undefined) return false;
  const query = "SELECT 1 FROM loose_nar WHERE nar = ? AND deleting_until IS NOT NULL";
  return firstRow(sql, query, nar) !== undefined;
}

function write(context: RetentionContext, { path, nar, references }: Intent): void {
  const { sql, now } = context;
  const pairs = [path, ...references].map(({ hash, name }) => [hash, name, packageNameOf(name)]);
  const named = JSON.stringify(pairs);
  sql.all(
    `INSERT INTO name (name, pname) SELECT DISTINCT value->>1, value->>2
     FROM json_each(?) WHERE true ON CONFLICT (name) DO NOTHING`,
    named,
  );
  sql.all(
    `INSERT INTO path (hash, name_id, state)
     SELECT DISTINCT value->>0, (SELECT id FROM name WHERE name = value->>1), ${PATH_STATES.named}
     FROM json_each(?) WHERE true ON CONFLICT (hash) DO NOTHING`,
    named,
  );
  const hashes = JSON.stringify(references.map(({ hash }) => hash));
  // The references of a published narinfo stay beside those of the new one until it is known
  // which of the two the bucket has.
  sql.all(
    `UPDATE path SET
       state = CASE state WHEN ${PATH_STATES.present} THEN state ELSE ${PATH_STATES.intended} END,
       refs = (SELECT json_group_array(id) FROM (
         SELECT target.id FROM json_each(?2) AS new JOIN path AS target ON target.hash = new.value
         UNION SELECT old.value FROM json_each(coalesce(path.refs, '[]')) AS old)),
       intent_at = ?3, intents = coalesce(intents, 0) + 1,
       used_at = max(coalesce(used_at, 0), ?3), condemned_at = NULL
     WHERE hash = ?1`,
    path.hash,
    hashes,
    now(),
  );
  const { id } = findPath(sql, path.hash) as KnownRow;
  sql.all(
    `INSERT INTO ref (target, source) SELECT target.value, path.id
     FROM path JOIN json_each(path.refs) AS target WHERE path.id = ? ON CONFLICT DO NOTHING`,
    id,
  );
  if (nar !== undefined) {
    sql.all("INSERT INTO intent_nar VALUES (?, ?) ON CONFLICT DO NOTHING", nar, id);
    leaseNar(context, nar);
  }
  const needed = sql.all<{ id: number }>(
    "SELECT id FROM path WHERE condemned_at IS NOT NULL AND hash IN (SELECT value FROM json_each(?))",
    hashes,
  );
  liftClosure(
    sql,
    needed.map((reference) => reference.id),
  );
}
