import { openBucket } from "../../client/bucket/open-bucket.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import {
  addAuditFlags,
  type AuditFlags,
  readAuditRules,
  stateFile,
} from "../audit/audit-options.ts";
import {
  formatFinding,
  formatFindingJson,
  formatSummary,
  formatSummaryJson,
  hasProblems,
} from "../audit/audit-report.ts";
import { runAudit } from "../audit/run-audit.ts";
import type { AddCommand } from "../command.ts";

/** `nargate audit-bucket`: lists the paths of a bucket that clients cannot use. */
export const addAuditBucketCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("audit-bucket")
    .summary("List the paths of the bucket that clients refuse, or whose NAR is gone.")
    .description(
      "Read the whole bucket, and list the paths that clients refuse or whose NAR is gone. Needs the B2_* variables of the gateway, and changes nothing. The exit code is 1 if a path has a problem.",
    )
    .option("--to <url>", "the URL of the cache, whose keys clients trust (default: NARGATE_URL)");
  addAuditFlags(command)
    .option(
      "--json",
      "print a line of JSON for each path with a problem, and a last one with the sums",
    )
    .addHelpText(
      "after",
      "\nExample:\n  nargate audit-bucket --to https://cache.example.org --state audit.state",
    )
    .action(async (flags: AuditFlags) => {
      setExitCode(await audit(flags, context));
    });
};

async function audit(flags: AuditFlags, context: ProcessContext): Promise<number> {
  const { stdout } = context;
  const bucket = openBucket(context);
  const rules = await readAuditRules(flags, context);
  const isJson = flags.json === true;
  const summary = await runAudit(
    {
      bucket,
      rules,
      state: stateFile(flags, context),
      onFinding: (finding) =>
        void stdout.write(isJson ? formatFindingJson(finding) : formatFinding(finding)),
    },
    context,
  );
  stdout.write(isJson ? formatSummaryJson(summary) : formatSummary(summary));
  return hasProblems(summary) ? 1 : 0;
}
