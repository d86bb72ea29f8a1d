import { MAX_STORED_NARINFO_BYTES } from "../../nix/narinfo.ts";
import { narinfoKey } from "../../nix/object-key.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { CacheError } from "../cache-error.ts";
import type { CatalogContext, ListingContext, StepLimits } from "./catalog-context.ts";
import { forgetPaths } from "./forget-paths.ts";
import { inParallel } from "./in-parallel.ts";
import { mergeNarinfos, type UnreadNarinfo } from "./merge-listing.ts";
import { mergeNars } from "./merge-nars.ts";
import { readMeta, writeMeta } from "./meta.ts";
import { readNarinfo, type ReadNarinfo } from "./read-narinfo.ts";
import { type PathRecord, recordPaths } from "./record-paths.ts";
import { firstRow, type Sql } from "./sql.ts";

/** How far the listing of the bucket is. It is kept in the database, so it survives everything. */
export interface ListingState {
  readonly phase: "narinfos" | "nars";
  readonly startedAt: number;
  /** The last path of the bucket that was compared. */
  readonly after: string;
  /** Where the next page begins, if the last ones had nothing but folders behind `after`. */
  readonly continuation?: string | undefined;
  /** Sums over the NARs so far. */
  readonly nars: number;
  readonly narFileBytes: number;
}

const NAR_FOLDER = "nar/";
/** The most keys of a page. */
const PAGE = 1000;

/** Returns how far the listing is, or `undefined` if none runs. */
export function readListingState({ sql }: Pick<CatalogContext, "sql">): ListingState | undefined {
  const text = readMeta(sql, "listing") ?? "";
  return text === "" ? undefined : (JSON.parse(text) as ListingState);
}

/** Begins a listing of the whole bucket, unless one runs. */
export function beginListing({ sql, now }: Pick<CatalogContext, "sql" | "now">): void {
  if (readListingState({ sql }) !== undefined) return;
  const state: ListingState = {
    phase: "narinfos",
    startedAt: now(),
    after: "",
    nars: 0,
    narFileBytes: 0,
  };
  writeMeta(sql, "listing", JSON.stringify(state));
}

/**
 * Compares the next part of the bucket with the catalog. A step may be cut off anywhere:
 * the next one goes on from what is kept. Returns whether the listing has ended. Throws
 * the failures of the bucket.
 */
export async function stepListing(context: ListingContext, limits: StepLimits): Promise<boolean> {
  const state = readListingState(context);
  if (state === undefined) return true;
  return state.phase === "narinfos"
    ? await stepNarinfos(context, state, limits)
    : await stepNars(context, state, limits);
}

async function stepNarinfos(
  context: ListingContext,
  started: ListingState,
  { requests, atOnce, pages }: StepLimits,
): Promise<boolean> {
  let state = started;
  let left = requests;
  // A page that is unknown as a whole has work for many steps, each of which lists it again.
  let limit = readMeta(context.sql, "completeAt") === undefined ? 2 * requests : PAGE;
  for (let page = 0; page < pages && left > 1; page++) {
    const askedAt = context.now();
    left--;
    const listed = await context.bucket.list("", {
      isFlat: true,
      limit,
      ...(state.continuation === undefined
        ? { after: state.after }
        : { continuation: state.continuation }),
    });
    requireOrder(listed.objects, state.after);
    const last = listed.objects.at(-1)?.path;
    requireProgress(listed.isLast || last !== undefined || listed.continuation !== undefined);
    const upTo = listed.isLast ? undefined : (last ?? state.after);
    const segment = { after: state.after, upTo, objects: listed.objects, askedAt };
    const unread = mergeNarinfos(context, segment);
    const some = unread.slice(0, left);
    left -= some.length;
    await readNarinfos(context, some, askedAt, atOnce);
    const lastRead = some.at(-1);
    if (lastRead !== undefined && some.length < unread.length) {
      keep(context, {
        ...state,
        after: narinfoKey(lastRead.hash).path,
        continuation: undefined,
      });
      return false;
    }
    if (listed.isLast) {
      keep(context, { ...state, phase: "nars", after: NAR_FOLDER, continuation: undefined });
      return false;
    }
    // A page may hold nothing but folders. Then only the bucket knows where it ended.
    const continuation = last === undefined ? listed.continuation : undefined;
    state = { ...state, after: last ?? state.after, continuation };
    keep(context, state);
    if (unread.length === 0) limit = PAGE;
  }
  return false;
}

/** Reads narinfos, some at once, and records what they say. */
async function readNarinfos(
  context: ListingContext,
  unread: readonly UnreadNarinfo[],
  askedAt: number,
  atOnce: number,
): Promise<void> {
  const { sql, now, log, mayGiveUp, goneUntil } = context;
  const records: PathRecord[] = [];
  const gone: StorePathHash[] = [];
  await inParallel(unread, atOnce, async (one) => {
    const found = await readListed(context, one).catch((error: unknown) => {
      // Without a version, so that the next listing reads it again.
      if (mayGiveUp) return { facts: { problem: "the bucket does not give it" }, isGivenUp: true };
      throw error;
    });
    if (found === undefined) {
      gone.push(one.hash);
      return;
    }
    records.push({
      hash: one.hash,
      facts: found.facts,
      textSizeBytes: one.sizeBytes,
      version: "isGivenUp" in found ? undefined : one.version,
      publishedAt: one.writtenAt ?? now(),
      notedAt: now(),
      pushId: undefined,
    });
  });
  logUnreadable(records, log);
  sql.transaction(() => {
    // A push may have told of a path while its former text was read.
    const isOlder = createNotedSince(sql, askedAt);
    recordPaths(
      sql,
      records.filter(({ hash }) => !isOlder(hash)),
    );
    forgetPaths(
      sql,
      gone.filter((hash) => !isOlder(hash)),
      { goneUntil },
    );
  });
}

/** One line for a step, since a bucket may have many of them. The catalog keeps each. */
function logUnreadable(records: readonly PathRecord[], log: CatalogContext["log"]): void {
  const unreadable = records.flatMap(({ hash, facts }) =>
    "problem" in facts ? [{ path: narinfoKey(hash).path, why: facts.problem }] : [],
  );
  const [first] = unreadable;
  if (first === undefined) return;
  log("warn", "catalog-narinfos-unreadable", { narinfos: unreadable.length, ...first });
}

async function readListed(
  context: ListingContext,
  { hash, sizeBytes }: UnreadNarinfo,
): Promise<Pick<ReadNarinfo, "facts"> | undefined> {
  if (sizeBytes > MAX_STORED_NARINFO_BYTES) return { facts: { problem: "it is too large" } };
  return await readNarinfo(context, hash);
}

/** Returns what tells whether a push told of a path at or after a time. */
function createNotedSince(sql: Sql, time: number): (hash: StorePathHash) => boolean {
  return (hash) => {
    const row = firstRow<{ noted_at: number | null }>(
      sql,
      "SELECT noted_at FROM path WHERE hash = ?",
      hash,
    );
    return (row?.noted_at ?? 0) >= time;
  };
}

async function stepNars(
  context: CatalogContext,
  started: ListingState,
  { pages }: StepLimits,
): Promise<boolean> {
  let state = started;
  for (let page = 0; page < pages; page++) {
    const askedAt = context.now();
    const listed = await context.bucket.list(NAR_FOLDER, { after: state.after });
    requireOrder(listed.objects, state.after);
    const last = listed.objects.at(-1)?.path;
    const { isLast } = listed;
    requireProgress(isLast || last !== undefined);
    const upTo = isLast ? undefined : last;
    const { sql } = context;
    sql.transaction(() => {
      mergeNars(sql, { after: state.after, upTo, objects: listed.objects, askedAt });
      state = {
        ...state,
        after: upTo ?? state.after,
        nars: state.nars + listed.objects.length,
        narFileBytes: listed.objects.reduce((sum, one) => sum + one.sizeBytes, state.narFileBytes),
      };
      if (isLast) endListing(context, state);
      else keep(context, state);
    });
    if (isLast) return true;
  }
  return false;
}

function endListing({ sql, now }: CatalogContext, state: ListingState): void {
  writeMeta(sql, "listing", "");
  if (readMeta(sql, "completeAt") === undefined) writeMeta(sql, "completeAt", now());
  writeMeta(sql, "listedFrom", state.startedAt);
  writeMeta(sql, "listedAt", now());
  writeMeta(sql, "storedNars", state.nars);
  writeMeta(sql, "storedBytes", state.narFileBytes);
}

function requireProgress(goesOn: boolean): void {
  if (goesOn) return;
  throw new CacheError("bucket-unavailable", "a page of the listing is empty and is not the last");
}

/**
 * Throws unless the paths are in byte order and behind `after`. A server that ignores
 * where a page should begin would have paths taken for deleted.
 */
function requireOrder(objects: readonly { readonly path: string }[], after: string): void {
  let last = after;
  for (const { path } of objects) {
    if (path <= last) {
      throw new CacheError("bucket-unavailable", "the listing is not in order behind start-after");
    }
    last = path;
  }
}

function keep({ sql }: CatalogContext, state: ListingState): void {
  writeMeta(sql, "listing", JSON.stringify(state));
}
