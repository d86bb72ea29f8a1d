import { formatStorePath } from "../../nix/store-path.ts";
import { type BucketReader, BucketRefusal } from "../bucket/bucket-reader.ts";
import type { AbsentReference, AbsentReferences } from "./absent-references.ts";
import { readListedNarinfo } from "./judge-path.ts";
import { mapInOrder } from "./map-in-order.ts";
import { narPathOf, type NarTable } from "./nar-table.ts";
import { type HashTable, listNarinfos } from "./narinfo-table.ts";
import type { Remark } from "./remarks.ts";
import type { Upstream } from "./upstream.ts";

const DAY_SECONDS = 24 * 3600;

/** A push sends a NAR before its narinfo. No push takes longer than this. */
const NEW_NAR_SECONDS = DAY_SECONDS;

/** The gateway continues an incoming NAR for five days, and removes it after seven. */
const LEFT_UPLOAD_SECONDS = 7 * DAY_SECONDS;

/** The lifecycle rule of docs/bucket.md drops parts after one day, and B2 applies it once a day. */
const UNFINISHED_SECONDS = 2 * DAY_SECONDS;

/** Requests at once to an upstream. */
const UPSTREAM_AT_ONCE = 16;

/** What the audit has learnt from the narinfos. */
export interface AuditKnowledge {
  /** The paths that were looked at. */
  readonly seen: HashTable;
  readonly nars: NarTable;
  readonly absent: AbsentReferences;
}

export interface BesideOptions {
  readonly storeDir: string;
  readonly requestsAtOnce: number;
  readonly upstreams: readonly Upstream[];
  readonly nowSeconds: number;
  /** Called if something could not be looked at. */
  onRefusal(says: string): void;
}

/**
 * Yields what is wrong beside the paths: references that are missing, NARs that no path
 * names, and leftovers of uploads. Changes `knowledge`.
 */
export async function* lookBeside(
  knowledge: AuditKnowledge,
  bucket: BucketReader,
  options: BesideOptions,
): AsyncGenerator<Remark, void> {
  await readLatecomers(knowledge, bucket, options);
  yield* askUpstreams(knowledge.absent, options);
  for (const { path, sizeBytes, modifiedSeconds } of knowledge.nars.loose()) {
    const isNew = ageOf(modifiedSeconds, options) < NEW_NAR_SECONDS;
    const kind = isNew ? "nar-new" : "nar-loose";
    yield { kind, name: path, sizeBytes, sinceSeconds: modifiedSeconds };
  }
  yield* findLeftUploads(bucket, options);
  yield* findUnfinishedUploads(bucket, options);
}

/**
 * Reads the narinfos that were published while the audit ran: they may name a NAR that was
 * loose, and they may be a reference that was absent. They are not judged.
 */
async function readLatecomers(
  { seen, nars, absent }: AuditKnowledge,
  bucket: BucketReader,
  { storeDir, requestsAtOnce }: BesideOptions,
): Promise<void> {
  const listed = await listNarinfos(bucket);
  for (const { reference } of absent.all()) {
    if (listed.has(reference.hash)) absent.remove(reference.hash);
  }
  function* latecomers() {
    for (const hash of listed.after(undefined)) if (!seen.has(hash)) yield hash;
  }
  const read = (hash: Parameters<HashTable["has"]>[0]) => readListedNarinfo(hash, bucket, storeDir);
  for await (const narinfo of mapInOrder(latecomers(), requestsAtOnce, read)) {
    const path = narinfo === "vanished" || "unreadable" in narinfo ? undefined : narPathOf(narinfo);
    if (path !== undefined) nars.markNamed(path);
  }
}

async function* askUpstreams(
  absent: AbsentReferences,
  { storeDir, upstreams, onRefusal }: BesideOptions,
): AsyncGenerator<Remark, void> {
  const dropped = absent.dropped();
  if (dropped > 0) onRefusal(`too many references to other caches: ${dropped} are left out`);
  const ask = async ({ reference, referrer }: AbsentReference): Promise<Remark> => {
    const name = formatStorePath(reference, storeDir);
    if (upstreams.length === 0) return { kind: "reference-elsewhere", name, referrer };
    for (const upstream of upstreams) {
      if (await upstream.has(reference.hash)) return { kind: "reference-upstream", name, referrer };
    }
    return { kind: "reference-missing", name, referrer };
  };
  yield* mapInOrder(absent.all(), UPSTREAM_AT_ONCE, ask);
}

async function* findLeftUploads(
  bucket: BucketReader,
  options: BesideOptions,
): AsyncGenerator<Remark, void> {
  for await (const page of bucket.list({ start: ".incoming/" })) {
    for (const { path, sizeBytes, modifiedSeconds } of page) {
      if (ageOf(modifiedSeconds, options) < LEFT_UPLOAD_SECONDS) continue;
      yield { kind: "upload-left", name: path, sizeBytes, sinceSeconds: modifiedSeconds };
    }
  }
}

async function* findUnfinishedUploads(
  bucket: BucketReader,
  options: BesideOptions,
): AsyncGenerator<Remark, void> {
  try {
    for await (const uploads of bucket.listUploads()) {
      for (const { path, startedSeconds } of uploads) {
        if (ageOf(startedSeconds, options) < UNFINISHED_SECONDS) continue;
        yield { kind: "upload-unfinished", name: path, sinceSeconds: startedSeconds };
      }
    }
  } catch (error) {
    // Other S3 servers do not list uploads, or not with such a key. All else has been looked at.
    if (!(error instanceof BucketRefusal)) throw error;
    options.onRefusal(error.message);
  }
}

/** An object without a date counts as new. */
function ageOf(seconds: number | undefined, { nowSeconds }: BesideOptions): number {
  return seconds === undefined ? 0 : nowSeconds - seconds;
}
