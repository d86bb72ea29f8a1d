import type { AuditRules, PathFinding } from "../../client/audit/judge-narinfo.ts";
import { createBucketPaths } from "../../client/audit/stored-paths.ts";
import { type RepairOutcome, unpublishPaths } from "../../client/audit/unpublish-paths.ts";
import type { BucketReader } from "../../client/bucket/bucket-reader.ts";
import { UsageError } from "../../client/client-error.ts";
import { type OpenCache, openCache } from "../../client/gateway/open-cache.ts";
import { toOneLine } from "../../client/plain-text.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { AuditFlags } from "./audit-options.ts";
import { formatVerdictLine } from "./audit-report.ts";
import { confirm } from "./confirm.ts";
import { countPaths } from "./sign-candidates.ts";
import { requireAdmin, requireSameBucket } from "./signer-checks.ts";
import { createStatusLine } from "./status-line.ts";

export interface RepairFlags {
  readonly repair?: true;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly json?: true;
}

export interface RepairParts {
  readonly cache: OpenCache;
  readonly flags: AuditFlags & RepairFlags;
  readonly bucket: BucketReader;
  readonly rules: AuditRules;
}

export interface RepairResult {
  readonly unpublished: number;
  readonly failed: number;
}

const MAX_SAMPLES = 10;

/**
 * Opens the cache for a repair, before the audit begins: a missing right must be told at once,
 * and not after a day. Throws `UsageError` or `ClientError`.
 */
export async function openForRepair(
  flags: AuditFlags & RepairFlags,
  context: ProcessContext,
): Promise<OpenCache> {
  if (!isAgreed(flags)) {
    if (flags.tokenFile === "-") {
      throw new UsageError(
        "standard input has the token, so it cannot answer a question. Add --yes",
      );
    }
    if (context.stdin.isTTY !== true) {
      throw new UsageError("there is no terminal to ask for confirmation. Add --yes to go on");
    }
  }
  const cache = await openCache(flags, context);
  await requireAdmin(cache, "a repair");
  return cache;
}

function isAgreed({ dryRun, yes }: RepairFlags): boolean {
  return dryRun === true || yes === true;
}

/** Shows the broken paths, asks, and unpublishes them. */
export async function runRepair(
  broken: readonly Pick<PathFinding, "hash" | "path">[],
  { cache, bucket, rules, flags }: RepairParts,
  context: ProcessContext,
): Promise<RepairResult> {
  const { stdout, stderr } = context;
  const counts: Record<RepairOutcome["status"], number> = {
    unpublished: 0,
    ready: 0,
    kept: 0,
    failed: 0,
  };
  const [first] = broken;
  if (first === undefined) {
    stderr.write("Nothing to repair: no path that could be unpublished.\n");
    return counts;
  }
  const paths = createBucketPaths(bucket, rules.storeDir);
  await requireSameBucket(first.hash, paths, cache, rules);
  stderr.write(formatPlan(broken));
  if (!isAgreed(flags) && !(await confirm("Unpublish them?", context))) {
    stderr.write("Nothing was unpublished.\n");
    return counts;
  }
  const status = createStatusLine(context);
  const session = { paths, client: cache.client, isDryRun: flags.dryRun === true };
  let done = 0;
  try {
    for await (const outcome of unpublishPaths(broken, session, context)) {
      counts[outcome.status]++;
      done++;
      status.clear();
      stdout.write(flags.json === true ? formatJson(outcome) : formatOutcome(outcome));
      status.show(`${done} of ${broken.length} paths`);
    }
  } finally {
    status.clear();
  }
  if (counts.unpublished > 0) stderr.write(REMEMBERED);
  return counts;
}

function formatPlan(broken: readonly Pick<PathFinding, "hash" | "path">[]): string {
  const lines = [
    `${countPaths(broken.length)} to unpublish, if another look at each finds the same:`,
    ...broken.slice(0, MAX_SAMPLES).map(({ path, hash }) => `  ${path ?? hash}`),
    ...(broken.length > MAX_SAMPLES ? [`  … and ${broken.length - MAX_SAMPLES} more`] : []),
    "Their narinfos are deleted, and a NAR whose bytes do not hash to its name. The next push of a path brings it back.",
  ];
  return `${lines.map(toOneLine).join("\n")}\n`;
}

const REMEMBERED = "Clients that have read these narinfos remember them for up to 30 days.\n";

const WORDS: Readonly<Record<RepairOutcome["status"], string>> = {
  unpublished: "unpublished",
  ready: "would unpublish",
  kept: "kept",
  failed: "FAILED",
};

function formatOutcome({ status, hash, path, says }: RepairOutcome): string {
  return formatVerdictLine(WORDS[status], path ?? hash, says);
}

function formatJson({ status, hash, path, says }: RepairOutcome): string {
  return `${JSON.stringify({ path: path ?? null, hash, status, says })}\n`;
}
