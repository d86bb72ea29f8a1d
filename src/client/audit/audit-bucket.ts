import { MAX_STORED_NARINFO_BYTES, type Narinfo } from "../../nix/narinfo.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { narinfoKey } from "../../nix/object-key.ts";
import type { BucketReader } from "../bucket/bucket-reader.ts";
import { ClientError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { proveNar } from "../prove/prove-nar.ts";
import { createSemaphore } from "../push/push-limits.ts";
import { createAbsentReferences } from "./absent-references.ts";
import type { AuditLevel, AuditLog } from "./audit-log.ts";
import type { AuditRules, PathFinding, PathProblem } from "./judge-narinfo.ts";
import { type JudgedPath, judgePath } from "./judge-path.ts";
import { type AuditKnowledge, lookBeside } from "./look-beside.ts";
import { mapInOrder } from "./map-in-order.ts";
import { listNars, narPathOf, type NarTable } from "./nar-table.ts";
import { createHashTable, listNarinfos } from "./narinfo-table.ts";
import { createRemarkCounter, type Remark, type RemarkCounts } from "./remarks.ts";
import { createBucketPaths } from "./stored-paths.ts";
import type { Upstream } from "./upstream.ts";

/** How an audit goes about. */
export interface AuditPlan {
  /**
   * `quick`: each narinfo, and whether its NAR is there. `whole`: also what lies beside the
   * paths (`REMARK_KINDS`). `deep`: also the contents of each NAR.
   */
  readonly level: AuditLevel;
  /** Requests at once to the bucket. */
  readonly requestsAtOnce: number;
  /** The caches that may have references which the bucket lacks. */
  readonly upstreams: readonly Upstream[];
}

/** B2 allows 500 requests a second to a new account, and one takes some 50 ms. */
export const REQUESTS_AT_ONCE = 32;

export const QUICK_AUDIT: AuditPlan = {
  level: "quick",
  requestsAtOnce: REQUESTS_AT_ONCE,
  upstreams: [],
};

/** A zstd file with the largest window needs 128 MB to unpack, and one of `zstd -3` needs 4 MB. */
const PROOFS_AT_ONCE = 8;

export interface AuditProgress {
  onNars(listed: number): void;
  /** Called after the listings, before the first NAR is read. Only in a deep audit. */
  onDeep(nars: number, bytes: number): void;
  /** Called after each path, also with the paths of earlier runs. */
  onChecked(paths: number, problems: number): void;
  /** Called in the order of the hashes, and first with the findings of earlier runs. */
  onFinding(finding: PathFinding): void;
  /** Called after all paths, if the audit is not quick. */
  onRemark(remark: Remark): void;
  /** Called if something could not be looked at, such as a list that not every server gives. */
  onRefusal(says: string): void;
  /** Called if earlier runs have looked at paths. */
  onResume(checked: number, isComplete: boolean): void;
}

export interface AuditSummary {
  readonly checked: number;
  readonly counts: Readonly<Record<PathProblem | "ok", number>>;
  /** Undefined in a quick audit. */
  readonly beside: RemarkCounts | undefined;
}

/**
 * Looks at every narinfo of a bucket, in the order of their hashes, and then at what lies
 * beside them. Needs memory for the names of all NARs (about 140 bytes each), twice 32 bytes
 * for each narinfo, and for the requests that are under way.
 *
 * Throws if the bucket fails for longer than the retries last, if it holds no cache, or if
 * the signal of the context aborts. `log` then has all that was found, and another call
 * goes on there. What lies beside the paths is looked at anew by each call.
 */
export async function auditBucket(
  bucket: BucketReader,
  rules: AuditRules,
  plan: AuditPlan,
  log: AuditLog,
  progress: AuditProgress,
  context: ProcessContext,
): Promise<AuditSummary> {
  const isWhole = plan.level !== "quick";
  const tally = createTally(progress);
  const seen = createHashTable();
  const named: string[] = [];
  const absent = createAbsentReferences();

  const earlier = await log.readEarlier({
    onFinding(finding) {
      tally.count(finding.verdict, 1);
      progress.onFinding(finding);
    },
    onSeen({ hash, narPath }) {
      seen.add(hash);
      if (narPath !== undefined) named.push(narPath);
    },
    onAbsent: (reference) => void absent.add(reference),
  });
  tally.count("ok", earlier.okPaths);
  const hasBegun = tally.checked() > 0;
  if (hasBegun || earlier.isComplete) progress.onResume(tally.checked(), earlier.isComplete);
  if (earlier.isComplete && !isWhole) return tally.summary(undefined);

  const nars = await listNars(bucket, (listed) => progress.onNars(listed));
  for (const path of named.splice(0)) nars.markNamed(path);
  const listed = await listNarinfos(bucket);
  if (!hasBegun && listed.count() === 0) await requireCache(bucket);
  const knowledge: AuditKnowledge = { seen, nars, absent };

  if (!earlier.isComplete) {
    if (plan.level === "deep") progress.onDeep(nars.count(), nars.totalBytes());
    const judge = createJudge(bucket, nars, rules, plan, context);
    const hashes = listed.after(hashOf(earlier.position));
    for await (const judged of mapInOrder(hashes, plan.requestsAtOnce, judge)) {
      const { hash, finding, narinfo } = judged;
      if (finding === "vanished") continue;
      if (isWhole) {
        const references = narinfo?.references ?? [];
        const missing = references
          .filter((reference) => !listed.has(reference.hash))
          .map((reference) => ({ reference, referrer: hash }))
          .filter((reference) => absent.add(reference));
        log.recordAbsent(missing);
      }
      const narPath = narinfo === undefined ? undefined : narPathOf(narinfo);
      if (narPath !== undefined) nars.markNamed(narPath);
      if (isWhole) seen.add(hash);
      log.record(narinfoKey(hash).path, finding, isWhole ? { hash, narPath } : undefined);
      tally.count(finding?.verdict ?? "ok", 1);
      if (finding !== undefined) progress.onFinding(finding);
    }
    log.complete();
  }
  if (!isWhole) return tally.summary(undefined);

  const remarks = createRemarkCounter();
  const nowSeconds = Math.floor(context.now().getTime() / 1000);
  const options = { ...plan, ...rules, nowSeconds, onRefusal: progress.onRefusal };
  for await (const remark of lookBeside(knowledge, bucket, options)) {
    remarks.add(remark);
    progress.onRemark(remark);
  }
  return tally.summary(remarks.counts());
}

function createJudge(
  bucket: BucketReader,
  nars: NarTable,
  rules: AuditRules,
  { level, requestsAtOnce }: AuditPlan,
  context: ProcessContext,
): (hash: StorePathHash) => Promise<JudgedPath> {
  if (level !== "deep") {
    return (hash) => judgePath(hash, { bucket, nars, rules, prove: undefined });
  }
  const source = createBucketPaths(bucket, rules.storeDir);
  const proofs = createSemaphore(Math.min(PROOFS_AT_ONCE, requestsAtOnce));
  const prove = (narinfo: Narinfo) =>
    proofs.run(async () => {
      context.signal.throwIfAborted();
      const proof = await proveNar(narinfo, source, context);
      // A bucket that is down, or a cap that is used up, is no fault of this NAR: then this throws.
      if (proof.verdict === "not-proved") {
        await bucket.read(narinfoKey(narinfo.storePath.hash).path, MAX_STORED_NARINFO_BYTES);
      }
      return proof;
    });
  return (hash) => judgePath(hash, { bucket, nars, rules, prove });
}

function createTally({ onChecked }: Pick<AuditProgress, "onChecked">) {
  const counts: Record<PathProblem | "ok", number> = { ...NO_COUNTS };
  let checked = 0;
  let problems = 0;
  return {
    checked: () => checked,
    count(verdict: PathProblem | "ok", paths: number): void {
      if (paths === 0) return;
      counts[verdict] += paths;
      checked += paths;
      if (verdict !== "ok") problems += paths;
      onChecked(checked, problems);
    },
    summary: (beside: RemarkCounts | undefined): AuditSummary => ({ checked, counts, beside }),
  };
}

/** Returns the hash in the path of a narinfo. */
function hashOf(path: string | undefined): string | undefined {
  return path?.slice(0, 32);
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
  "wrong-contents": 0,
  "nar-gone": 0,
  "nar-wrong-size": 0,
  "nar-elsewhere": 0,
  unreadable: 0,
  "wrong-file-hash": 0,
  "not-proved": 0,
};
