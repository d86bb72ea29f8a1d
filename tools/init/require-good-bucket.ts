import { type Finding, isFailure } from "../../src/checks/finding.ts";
import { formatReport } from "../../src/checks/format-report.ts";
import { GATEWAY_PROBE_SIZES } from "../../src/checks/payload-probe.ts";
import { ClientError } from "../../src/client/client-error.ts";
import type { ProcessContext } from "../../src/client/process-context.ts";
import { checkBucket } from "../canary/check-bucket.ts";
import type { BucketAnswers } from "./ask-bucket.ts";
import type { Asker } from "./asker.ts";
import { checkKey } from "./check-key.ts";
import type { InitFlags } from "./init-flags.ts";

/**
 * Checks the key and the bucket, and shows what fails and what could not be checked.
 * Throws a `ClientError` if a check fails and nobody accepts that. A dry run writes
 * nothing to the bucket, so it checks the key alone.
 */
export async function requireGoodBucket(
  { acceptProblems, dryRun }: Pick<InitFlags, "acceptProblems" | "dryRun">,
  { bucket, facts }: BucketAnswers,
  { context, asker }: { readonly context: ProcessContext; readonly asker: Asker },
): Promise<void> {
  const ofKey = checkKey(facts, bucket);
  if (!dryRun)
    context.stdout.write("Checking the bucket: this writes up to 60 MB and deletes them.\n");
  const report = dryRun ? undefined : await checkBucket(bucket, context, GATEWAY_PROBE_SIZES);
  context.signal.throwIfAborted();
  const ofBucket = report?.findings ?? [];
  const findings = [...ofKey, ...ofBucket];
  const shown = [...ofKey, ...ofBucket.filter(isWorthShowing)];
  const says = dryRun
    ? "not run, because a dry run writes nothing to the bucket"
    : `${ofBucket.filter(({ verdict }) => verdict === "ok").length} checks ok (npm run canary shows each)`;
  const behaviour: Finding = {
    check: "behaviour",
    verdict: dryRun ? "skipped" : ofBucket.some(isFailure) ? "FAIL" : "ok",
    says,
  };
  const { leftovers = [] } = report ?? {};
  context.stdout.write(
    formatReport({
      subject: `Bucket ${bucket.bucket} at ${bucket.endpoint}, below "${bucket.prefix}"`,
      findings: [...shown, behaviour],
      leftovers,
    }),
  );
  context.stdout.write("\n");
  if (!findings.some(isFailure) || acceptProblems) return;
  if (await asker.confirm("A check failed. Continue anyway?", false)) return;
  throw new ClientError(
    "a check of the bucket failed, and no file has been written. Repair it, or continue with --accept-problems",
  );
}

/** Whether a person must see it: a check that failed, or that could not be made. */
function isWorthShowing({ verdict, expected }: Finding): boolean {
  return (
    verdict === "FAIL" || verdict === "warn" || (verdict === "unknown" && expected !== undefined)
  );
}
