import {
  type AuditPlan,
  type AuditProgress,
  type AuditSummary,
  auditBucket,
} from "../../client/audit/audit-bucket.ts";
import { auditIdentity, createNoLog, openAuditLog } from "../../client/audit/audit-log.ts";
import type { AuditRules, PathFinding } from "../../client/audit/judge-narinfo.ts";
import type { Remark } from "../../client/audit/remarks.ts";
import type { BucketReader } from "../../client/bucket/bucket-reader.ts";
import { UsageError } from "../../client/client-error.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { formatBytes } from "../../client/progress/format-amounts.ts";
import { toOneLine } from "../../client/plain-text.ts";
import { createStatusLine } from "./status-line.ts";

export interface AuditRun {
  readonly bucket: BucketReader;
  readonly rules: AuditRules;
  readonly plan: AuditPlan;
  /** The whole path of the file of --state. */
  readonly state: string | undefined;
  onFinding(finding: PathFinding): void;
  onRemark?(remark: Remark): void;
}

/** A deep audit writes down each path, because a NAR may take minutes. */
const PATHS_A_LINE = { quick: undefined, whole: undefined, deep: 1 } as const;

/** Runs an audit and shows its progress. If it ends early, says how it can go on. */
export async function runAudit(
  { bucket, rules, plan, state, onFinding, onRemark }: AuditRun,
  context: ProcessContext,
): Promise<AuditSummary> {
  const { stderr } = context;
  const { level } = plan;
  const status = createStatusLine(context);
  let checked = 0;
  let remarks = 0;
  const log =
    state === undefined
      ? createNoLog()
      : openAuditLog(state, auditIdentity(bucket.location, rules, level), PATHS_A_LINE[level]);
  const progress: AuditProgress = {
    onNars: (listed) => status.show(`listing the NARs: ${listed}`),
    onDeep(nars, bytes) {
      status.clear();
      stderr.write(`The NARs of the bucket: ${nars} files, ${formatBytes(bytes)} to download.\n`);
    },
    onChecked(paths, problems) {
      checked = paths;
      status.show(`${paths} paths checked, ${problems} problems`);
    },
    onFinding(finding) {
      status.clear();
      onFinding(finding);
    },
    onRemark(remark) {
      status.clear();
      onRemark?.(remark);
      remarks++;
      status.show(`${checked} paths checked, ${remarks} findings beside them`);
    },
    onRefusal(says) {
      status.clear();
      stderr.write(`nargate: warning: ${toOneLine(says)}\n`);
    },
    onResume(earlier, isComplete) {
      stderr.write(
        isComplete
          ? `${state} has a complete audit. Delete it to look at ${level === "quick" ? "the bucket" : "the paths"} again.\n`
          : `Going on after ${earlier} paths that ${state} has.\n`,
      );
    },
  };
  try {
    return await auditBucket(bucket, rules, plan, log, progress, context);
  } catch (error) {
    status.clear();
    // If not one path was looked at, there is nothing to go on from.
    if (checked > 0 && !(error instanceof UsageError)) {
      stderr.write(
        state === undefined
          ? "The audit is not complete. With --state FILE it could go on where it ended.\n"
          : "The audit is not complete. Run the same command again: it goes on where it ended.\n",
      );
    }
    throw error;
  } finally {
    status.clear();
    log.close();
  }
}
