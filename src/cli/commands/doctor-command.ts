import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";
import { formatFindings, formatFindingsJson } from "../doctor/doctor-report.ts";
import { isFailure } from "../doctor/finding.ts";
import { runDoctor } from "../doctor/run-doctor.ts";

interface DoctorOptions extends CacheOptions {
  readonly path?: string;
  readonly json?: boolean;
}

/** A person waits for it, and an answer that needs many attempts is one worth knowing. */
const RETRIES = { attempts: 2, idleMilliseconds: 20_000 };

/** `nargate doctor`: why does this cache not work for me? */
export const addDoctorCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("doctor")
    .summary("Find out what is wrong with a cache, seen from here.")
    .description(
      "Check a cache from here, with a verdict and a remedy each; exit code 1 if anything fails. With a token that may push, a tiny path goes there and back.",
    )
    .argument("[url]", "the cache; the same as --to")
    .option("--path <path>", "a store path that the cache has, to see whether the edge keeps it")
    .option("--json", "print JSON, for a program")
    .addHelpText("after", "\nExample:\n  nargate doctor https://cache.example.org\n")
    .action(async (url: string | undefined, options: DoctorOptions) => {
      setExitCode(await examine({ ...options, to: url ?? options.to }, context));
    });
  addCacheOptions(command);
};

async function examine(options: DoctorOptions, context: ProcessContext): Promise<number> {
  const cache = await openCache(options, context, RETRIES);
  const findings = await runDoctor(cache, options.path, context);
  const { stdout, env } = context;
  const hasColours = stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "";
  const { url } = cache.client;
  stdout.write(
    options.json === true
      ? formatFindingsJson(url, findings)
      : formatFindings(url, findings, hasColours),
  );
  return findings.some(isFailure) ? 1 : 0;
}
