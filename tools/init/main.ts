/** `nargate init`: sets up a cache. See README.md and USAGE. */
import { describeError, Interrupted, UsageError } from "../../src/client/client-error.ts";
import { withoutEscapes } from "../../src/client/plain-text.ts";
import { createProcessContext } from "../../src/client/process-context.ts";
import { createSilentAsker, createTerminalAsker } from "./asker.ts";
import { createCloudflareDeployer } from "./cloudflare-deployer.ts";
import { parseInitFlags, USAGE } from "./init-flags.ts";
import { createLocalDeployer } from "./local-deployer.ts";
import { runInit } from "./run-init.ts";
import { createProgramRunner } from "./run-program.ts";

async function main(): Promise<number> {
  const flags = parseInitFlags(process.argv.slice(2));
  if (flags === "help") {
    process.stdout.write(USAGE);
    return 0;
  }
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => controller.abort(new Interrupted(name)));
  }
  const { signal } = controller;
  const context = createProcessContext(signal);
  const isSilent = flags.yes || process.stdin.isTTY !== true || process.stdout.isTTY !== true;
  const run = createProgramRunner(signal, (text) => process.stdout.write(text));
  return await runInit(flags, {
    context,
    run,
    asker: isSilent ? createSilentAsker() : createTerminalAsker(process.stdin, process.stdout),
    deployer:
      flags.target === "nothing"
        ? undefined
        : flags.target === "local"
          ? createLocalDeployer(signal)
          : createCloudflareDeployer(run, !isSilent),
  });
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return 130;
  const { code } = error as { code?: unknown };
  if (code === "ABORT_ERR") return 130;
  const isUsage =
    error instanceof UsageError || (typeof code === "string" && code.startsWith("ERR_PARSE_ARGS"));
  return isUsage ? 2 : 1;
}

async function runMain(): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    const message = process.exitCode === 130 ? "interrupted" : describeError(error);
    process.stderr.write(`nargate init: ${withoutEscapes(message)}\n`);
  }
}

/** At Ctrl-D the terminal gives no more answers, and nothing is left to do. */
function noticeClosedInput(): void {
  process.exitCode = 130;
  process.stderr.write("nargate init: interrupted\n");
}

process.once("beforeExit", noticeClosedInput);
// A terminal without a known width would get one letter a line.
if (process.stdout.columns === 0) process.stdout.columns = 80;
void runMain().finally(() => process.off("beforeExit", noticeClosedInput));
