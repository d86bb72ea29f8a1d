import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";
import { exitCodeOf, formatReportJson } from "../../checks/report.ts";
import type { Finding } from "../../checks/finding.ts";
import { createReportWriter } from "../../checks/format-report.ts";
import { CHECK_WIDTH, runDoctor } from "../doctor/run-doctor.ts";

interface DoctorOptions extends CacheOptions {
  readonly path?: string;
  readonly json?: boolean;
}

/**
 * Few attempts, because a person waits, and because an answer that needs many
 * attempts is a problem to report.
 */
const RETRIES = { attempts: 2, idleMilliseconds: 20_000 };

/** `nargate doctor`: finds out why a cache does not work on this machine. */
export const addDoctorCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("doctor")
    .summary("Check a cache from this machine, and find problems.")
    .description(
      "Check a cache from this machine. Each check prints a verdict, and a remedy if there is a problem. The exit code is 1 if a check fails. With a token that may push, the doctor also pushes a tiny path and reads it back.",
    )
    .argument("[url]", "the URL of the cache; the same as --to")
    .option(
      "--path <path>",
      "a store path in the cache; the doctor checks whether the edge keeps it",
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  nargate doctor https://cache.example.org\n")
    .action(async (url: string | undefined, options: DoctorOptions) => {
      setExitCode(await examine({ ...options, to: url ?? options.to }, context));
    });
  addCacheOptions(command);
};

async function examine(options: DoctorOptions, context: ProcessContext): Promise<number> {
  const cache = await openCache(options, context, RETRIES);
  const { stdout, env } = context;
  const hasColours = stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "";
  const writer =
    options.json === true
      ? undefined
      : createReportWriter((text) => stdout.write(text), CHECK_WIDTH, hasColours);
  const subject = cache.client.url;
  const findings: Finding[] = [];
  writer?.begin(subject);
  for await (const finding of runDoctor(cache, options.path, context)) {
    findings.push(finding);
    writer?.add(finding);
  }
  writer?.end();
  const report = { subject, findings };
  if (options.json === true) stdout.write(formatReportJson(report));
  return exitCodeOf(report);
}
