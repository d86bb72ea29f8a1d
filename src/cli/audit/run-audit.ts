import { type AuditSummary, auditBucket } from "../../client/audit/audit-bucket.ts";
import { auditIdentity, createNoLog, openAuditLog } from "../../client/audit/audit-log.ts";
import type { AuditRules, PathFinding } from "../../client/audit/judge-narinfo.ts";
import type { BucketReader } from "../../client/bucket/bucket-reader.ts";
import { UsageError } from "../../client/client-error.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { createStatusLine } from "./status-line.ts";

export interface AuditRun {
  readonly bucket: BucketReader;
  readonly rules: AuditRules;
  /** The whole path of the file of --state. */
  readonly state: string | undefined;
  onFinding(finding: PathFinding): void;
}

/** Runs an audit and shows its progress. If it ends early, says how it can go on. */
export async function runAudit(
  { bucket, rules, state, onFinding }: AuditRun,
  context: ProcessContext,
): Promise<AuditSummary> {
  const { stderr } = context;
  const status = createStatusLine(context);
  let checked = 0;
  const log =
    state === undefined
      ? createNoLog()
      : openAuditLog(state, auditIdentity(bucket.location, rules));
  try {
    return await auditBucket(bucket, rules, log, {
      onNars: (listed) => status.show(`listing the NARs: ${listed}`),
      onChecked(paths, problems) {
        checked = paths;
        status.show(`${paths} paths checked, ${problems} problems`);
      },
      onFinding(finding) {
        status.clear();
        onFinding(finding);
      },
      onResume(earlier, isComplete) {
        stderr.write(
          isComplete
            ? `${state} has a complete audit. Delete it to look at the bucket again.\n`
            : `Going on after ${earlier} paths that ${state} has.\n`,
        );
      },
    });
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
