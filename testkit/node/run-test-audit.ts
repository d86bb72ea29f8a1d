import {
  type AuditPlan,
  type AuditProgress,
  auditBucket,
  QUICK_AUDIT,
} from "../../src/client/audit/audit-bucket.ts";
import { type AuditLog, createNoLog } from "../../src/client/audit/audit-log.ts";
import type { AuditRules } from "../../src/client/audit/judge-narinfo.ts";
import type { Remark } from "../../src/client/audit/remarks.ts";
import type { BucketReader } from "../../src/client/bucket/bucket-reader.ts";
import type { ProcessContext } from "../../src/client/process-context.ts";
import { createTestContext } from "./test-context.ts";

export interface TestAuditOptions {
  readonly rules: AuditRules;
  readonly plan?: Partial<AuditPlan>;
  readonly log?: AuditLog;
  readonly onChecked?: AuditProgress["onChecked"];
  readonly context?: Partial<ProcessContext>;
}

/** Audits a bucket, and returns all that the audit has told. */
export async function runTestAudit(
  bucket: BucketReader,
  { rules, plan, log = createNoLog(), onChecked = () => {}, context }: TestAuditOptions,
) {
  const found = new Map<string, string>();
  const findings: string[] = [];
  const remarks: Remark[] = [];
  const refusals: string[] = [];
  const progress: AuditProgress = {
    onNars: () => {},
    onDeep: () => {},
    onChecked,
    onResume: () => {},
    onFinding({ hash, verdict, says }) {
      found.set(hash, verdict);
      findings.push(says);
    },
    onRemark: (remark) => void remarks.push(remark),
    onRefusal: (says) => void refusals.push(says),
  };
  try {
    const summary = await auditBucket(
      bucket,
      rules,
      { ...QUICK_AUDIT, ...plan },
      log,
      progress,
      createTestContext(context),
    );
    return { summary, found, findings, remarks, refusals };
  } finally {
    log.close();
  }
}
