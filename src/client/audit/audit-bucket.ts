import { MAX_STORED_NARINFO_BYTES } from "../../nix/narinfo.ts";
import { parseObjectKey } from "../../nix/object-key.ts";
import { formatStorePath, type StorePathHash } from "../../nix/store-path.ts";
import type { BucketReader } from "../bucket/bucket-reader.ts";
import type { BucketEntry } from "../bucket/parse-listing.ts";
import { ClientError } from "../client-error.ts";
import { OversizedAnswer, Unreachable } from "../gateway/http-client.ts";
import { parseStoredNarinfo } from "../gateway/narinfo-text.ts";
import type { AuditLog } from "./audit-log.ts";
import {
  type AuditRules,
  judgeNarinfo,
  type PathFinding,
  type PathProblem,
  toFinding,
} from "./judge-narinfo.ts";
import { mapInOrder } from "./map-in-order.ts";
import { findNar, listNars, type NarTable } from "./nar-table.ts";

export interface AuditProgress {
  onNars(listed: number): void;
  /** Called after each path, also with the paths of earlier runs. */
  onChecked(paths: number, problems: number): void;
  /** Called in the order of the hashes, and first with the findings of earlier runs. */
  onFinding(finding: PathFinding): void;
  /** Called if earlier runs have looked at paths. */
  onResume(checked: number, isComplete: boolean): void;
}

export interface AuditSummary {
  readonly checked: number;
  readonly counts: Readonly<Record<PathProblem | "ok", number>>;
}

/** Requests at once. B2 allows 500 a second to a new account, and one takes some 50 ms. */
const REQUESTS_AT_ONCE = 32;

/**
 * Looks at every narinfo of a bucket, in the order of their hashes. Needs memory for the
 * names of all NARs (about 110 bytes each), and for `REQUESTS_AT_ONCE` narinfos.
 *
 * Throws if the bucket fails for longer than the retries last, if it holds no cache, or if
 * the signal of the context aborts. `log` then has all that was found, and another call
 * goes on there.
 */
export async function auditBucket(
  bucket: BucketReader,
  rules: AuditRules,
  log: AuditLog,
  progress: AuditProgress,
): Promise<AuditSummary> {
  const counts: Record<PathProblem | "ok", number> = { ...NO_COUNTS };
  let checked = 0;
  let problems = 0;
  function count(verdict: PathProblem | "ok", paths: number): void {
    if (paths === 0) return;
    counts[verdict] += paths;
    checked += paths;
    if (verdict !== "ok") problems += paths;
    progress.onChecked(checked, problems);
  }

  const earlier = await log.readEarlier((finding) => {
    count(finding.verdict, 1);
    progress.onFinding(finding);
  });
  count("ok", earlier.okPaths);
  if (checked > 0 || earlier.isComplete) progress.onResume(checked, earlier.isComplete);
  if (earlier.isComplete) return { checked, counts };

  const nars = await listNars(bucket, (listed) => progress.onNars(listed));
  const entries = listNarinfos(bucket, earlier.position);
  const judge = (entry: NarinfoEntry) => judgeEntry(entry, bucket, nars, rules);
  let hasNarinfos = checked > 0;
  for await (const { path, finding } of mapInOrder(entries, REQUESTS_AT_ONCE, judge)) {
    hasNarinfos = true;
    if (finding === "vanished") continue;
    log.record(path, finding);
    count(finding?.verdict ?? "ok", 1);
    if (finding !== undefined) progress.onFinding(finding);
  }
  if (!hasNarinfos) await requireCache(bucket);
  log.complete();
  return { checked, counts };
}

/**
 * Throws unless the prefix has a `nix-cache-info`. S3 lists a prefix that does not exist
 * as an empty one, so a misspelt B2_PREFIX would otherwise pass for a cache without paths.
 */
async function requireCache({ location, sizeOf }: BucketReader): Promise<void> {
  if ((await sizeOf("nix-cache-info")) !== undefined) return;
  throw new ClientError(
    `there is no Nix cache at ${location.bucket}/${location.prefix}: check B2_BUCKET and B2_PREFIX`,
  );
}

const NO_COUNTS: Readonly<Record<PathProblem | "ok", number>> = {
  ok: 0,
  unsigned: 0,
  "unknown-key": 0,
  "false-signature": 0,
  "false-address": 0,
  "nar-gone": 0,
  "nar-wrong-size": 0,
  "nar-elsewhere": 0,
  unreadable: 0,
};

interface NarinfoEntry extends BucketEntry {
  readonly hash: StorePathHash;
}

/** Lists the narinfos. Other objects beside them, such as listings, are passed over. */
async function* listNarinfos(
  bucket: BucketReader,
  after: string | undefined,
): AsyncGenerator<NarinfoEntry, void> {
  for await (const page of bucket.list({ start: "", after, isFlat: true })) {
    for (const entry of page) {
      const key = parseObjectKey(`/${entry.path}`);
      if (!key.ok || key.value.kind !== "narinfo") continue;
      yield { path: key.value.path, hash: key.value.hash, sizeBytes: entry.sizeBytes };
    }
  }
}

interface Judged {
  readonly path: string;
  /** Undefined if the path has no problem; "vanished" if it was deleted since the listing. */
  readonly finding: PathFinding | "vanished" | undefined;
}

async function judgeEntry(
  { path, hash, sizeBytes }: NarinfoEntry,
  bucket: BucketReader,
  nars: NarTable,
  rules: AuditRules,
): Promise<Judged> {
  const unreadable = (says: string): Judged => ({
    path,
    finding: { hash, path: undefined, verdict: "unreadable", says, keyNames: [] },
  });
  if (sizeBytes > MAX_STORED_NARINFO_BYTES) return unreadable(TOO_LARGE);
  let body: Buffer | undefined;
  try {
    body = await bucket.read(path, MAX_STORED_NARINFO_BYTES);
  } catch (error) {
    if (error instanceof OversizedAnswer) return unreadable(TOO_LARGE);
    // If the bucket answers about the object and does not give it, the object is at fault,
    // such as a body that is not in its Content-Encoding. Otherwise this throws too.
    if (!(error instanceof Unreachable)) throw error;
    await bucket.sizeOf(path);
    return unreadable("its contents do not arrive, after several attempts");
  }
  if (body === undefined) return { path, finding: "vanished" };
  const narinfo = parseStoredNarinfo(body, rules.storeDir);
  if (!narinfo.ok) return unreadable(narinfo.error);
  if (narinfo.value === "unreadable")
    return unreadable("stored in a compression that only Nix reads");
  if (narinfo.value.storePath.hash !== hash) return unreadable("it is about another store path");
  const nar = await findNar(narinfo.value, nars, bucket);
  const judgement = await judgeNarinfo(narinfo.value, nar, rules);
  const storePath = formatStorePath(narinfo.value.storePath, rules.storeDir);
  return { path, finding: toFinding(hash, storePath, judgement) };
}

const TOO_LARGE = `longer than ${MAX_STORED_NARINFO_BYTES / 1024 / 1024} MB`;
