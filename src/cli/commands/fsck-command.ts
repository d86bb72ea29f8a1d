import { type Command, InvalidArgumentError, Option } from "commander";
import { type AuditPlan, REQUESTS_AT_ONCE } from "../../client/audit/audit-bucket.ts";
import type { PathFinding } from "../../client/audit/judge-narinfo.ts";
import { isListed, type Remark } from "../../client/audit/remarks.ts";
import { canBeUnpublished } from "../../client/audit/unpublish-paths.ts";
import { createUpstream } from "../../client/audit/upstream.ts";
import { openBucket } from "../../client/bucket/open-bucket.ts";
import { paceFetch } from "../../client/bucket/pace-fetch.ts";
import { UsageError } from "../../client/client-error.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import {
  addAuditFlags,
  type AuditFlags,
  readAuditRules,
  readCacheRules,
  readGivenKeys,
  stateFile,
} from "../audit/audit-options.ts";
import {
  countProblems,
  formatFinding,
  formatFindingJson,
  formatSummary,
  formatSummaryJson,
} from "../audit/audit-report.ts";
import {
  createBesideReport,
  formatMissingReference,
  formatRemarkJson,
} from "../audit/beside-report.ts";
import { runAudit } from "../audit/run-audit.ts";
import { openForRepair, type RepairFlags, runRepair } from "../audit/run-repair.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface FsckFlags extends AuditFlags, RepairFlags {
  readonly quick?: true;
  readonly deep?: true;
  readonly upstream: readonly string[];
  readonly jobs: number;
  readonly requestsPerSecond?: number;
}

/** `nargate fsck`: finds what is wrong in a bucket, and unpublishes what is broken. */
export const addFsckCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("fsck")
    .summary("Find what is wrong in the bucket: paths, NARs, references and leftovers.")
    .description(
      "Read the whole bucket, and list the paths that clients refuse or whose NAR is gone, the NARs that no path names, the references that are missing, and what uploads left behind. Needs the B2_* variables of the gateway. Without --repair it changes nothing. The exit code is 1 if clients can run into a problem.",
    )
    .option("--quick", "look at each narinfo, and whether its NAR is there, and at nothing else")
    .option("--deep", "also download and unpack every NAR, and compare it with its narinfo");
  addLoadFlags(addAuditFlags(addCacheOptions(command)));
  command
    .addOption(
      new Option(
        "--upstream <url>",
        "a cache that may have what paths refer to, such as https://cache.nixos.org; may be repeated",
      )
        .argParser((text: string, previous: readonly string[]) => [...previous, text])
        .default([], "none is asked"),
    )
    .option("--repair", "unpublish the paths whose NAR is gone or, with --deep, has other contents")
    .option("--dry-run", "with --repair: show what would be unpublished, and do nothing")
    .option("--yes", "with --repair: do not ask")
    .option("--json", "print a line of JSON for each finding, and a last one with the sums")
    .addHelpText(
      "after",
      "\nExamples:\n  nargate fsck --to https://cache.example.org --upstream https://cache.nixos.org\n  nargate fsck --to https://cache.example.org --deep --state fsck.state",
    )
    .action(async (flags: FsckFlags) => {
      setExitCode(await fsck(flags, context));
    });
};

function addLoadFlags(command: Command): Command {
  return command
    .option(
      "--jobs <number>",
      "requests at once to the bucket; at most 8 NARs are unpacked at once",
      wholeNumber(256),
      REQUESTS_AT_ONCE,
    )
    .option(
      "--requests-per-second <number>",
      "the most requests a second to the bucket (default: no limit)",
      wholeNumber(10_000),
    );
}

function wholeNumber(max: number) {
  return (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= max) return value;
    throw new InvalidArgumentError(`It is not a whole number from 1 to ${max}.`);
  };
}

async function fsck(flags: FsckFlags, context: ProcessContext): Promise<number> {
  const { stdout } = context;
  const isJson = flags.json === true;
  checkFlags(flags);
  const plan = createPlan(flags, context);
  const { requestsPerSecond: pace } = flags;
  const paced = pace === undefined ? context : { ...context, fetch: paceFetch(context, pace) };
  const bucket = openBucket(paced);
  const cache = flags.repair === true ? await openForRepair(flags, context) : undefined;
  const rules =
    cache === undefined
      ? await readAuditRules(flags, context)
      : await readCacheRules(cache, readGivenKeys(flags, context));

  const broken: Pick<PathFinding, "hash" | "path">[] = [];
  const beside = createBesideReport();
  const summary = await runAudit(
    {
      bucket,
      rules,
      plan,
      state: stateFile(flags, context),
      onFinding(finding) {
        const { hash, path } = finding;
        if (cache !== undefined && canBeUnpublished(finding)) broken.push({ hash, path });
        stdout.write(isJson ? formatFindingJson(finding) : formatFinding(finding));
      },
      onRemark(remark) {
        beside.add(remark);
        stdout.write(formatRemark(remark, isJson));
      },
    },
    context,
  );
  if (!isJson) {
    stdout.write(formatSummary(summary));
    if (summary.beside !== undefined)
      stdout.write(beside.format(summary.beside, summary.counts.unreadable));
  }
  const repaired =
    cache === undefined
      ? { unpublished: 0, failed: 0 }
      : await runRepair(broken, { cache, bucket, rules, flags }, context);
  if (isJson) stdout.write(formatSummaryJson(summary));
  return countProblems(summary) - repaired.unpublished > 0 || repaired.failed > 0 ? 1 : 0;
}

function formatRemark(remark: Remark, isJson: boolean): string {
  if (isJson) return isListed(remark.kind) ? formatRemarkJson(remark) : "";
  return remark.kind === "reference-missing" ? formatMissingReference(remark) : "";
}

function checkFlags({ quick, deep, upstream, repair, dryRun, yes }: FsckFlags): void {
  if (quick === true && deep === true)
    throw new UsageError("--quick and --deep exclude each other");
  if (quick === true && upstream.length > 0) {
    throw new UsageError("--quick does not look at references: leave out --upstream");
  }
  if (repair !== true && (dryRun === true || yes === true)) {
    throw new UsageError(`${dryRun === true ? "--dry-run" : "--yes"} needs --repair`);
  }
}

function createPlan(
  { quick, deep, upstream, jobs, requestsPerSecond = Infinity }: FsckFlags,
  context: ProcessContext,
): AuditPlan {
  return {
    level: quick === true ? "quick" : deep === true ? "deep" : "whole",
    // A request that waits for its turn counts as begun, and must not wait for long.
    requestsAtOnce: Math.min(jobs, requestsPerSecond),
    upstreams: upstream.map((url) => createUpstream(url, context)),
  };
}
