import { Command, CommanderError } from "commander";
import { VERSION } from "../api/endpoints.ts";
import { describeError, Interrupted, UsageError } from "../client/client-error.ts";
import { toOneLine } from "../client/plain-text.ts";
import { createProcessContext, type ProcessContext } from "../client/process-context.ts";
import type { AddCommand } from "./command.ts";
import { addClosureCommand } from "./commands/closure-command.ts";
import { addDeleteCommand } from "./commands/delete-command.ts";
import { addDoctorCommand } from "./commands/doctor-command.ts";
import { addFsckCommand } from "./commands/fsck-command.ts";
import { addGcCommand } from "./commands/gc-command.ts";
import { addInfoCommand } from "./commands/info-command.ts";
import { addInitCommand } from "./commands/init-command.ts";
import { addKeyCommand } from "./commands/key-command.ts";
import { addSignCommand } from "./commands/sign-command.ts";
import { addLsCommand } from "./commands/ls-command.ts";
import { addPinCommand } from "./commands/pin-command.ts";
import { addPinsCommand } from "./commands/pins-command.ts";
import { addPushCommand } from "./commands/push-command.ts";
import { addSearchCommand } from "./commands/search-command.ts";
import { addStatsCommand } from "./commands/stats-command.ts";
import { addTokenCommand } from "./commands/token-command.ts";
import { addUnpinCommand } from "./commands/unpin-command.ts";
import { addUseCommand } from "./commands/use-command.ts";
import { addWatchExecCommand } from "./commands/watch-exec-command.ts";
import { addWhyCommand } from "./commands/why-command.ts";

const COMMANDS: readonly AddCommand[] = [
  addPushCommand,
  addWatchExecCommand,
  addUseCommand,
  addDoctorCommand,
  addLsCommand,
  addInfoCommand,
  addSearchCommand,
  addClosureCommand,
  addStatsCommand,
  addPinCommand,
  addUnpinCommand,
  addPinsCommand,
  addDeleteCommand,
  addFsckCommand,
  addWhyCommand,
  addGcCommand,
  addSignCommand,
  addTokenCommand,
  addInitCommand,
  addKeyCommand,
];

/** Creates the `nargate` program with all its commands. */
function createProgram(context: ProcessContext, setExitCode: (code: number) => void): Command {
  const program = new Command("nargate")
    .description(
      "Push to a Nix binary cache behind Nargate, set up Nix to pull from it, and find problems.",
    )
    .version(VERSION)
    .helpCommand("help [command]", "Show the help of a command.")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      outputError: (text, write) => write(tidyError(text)),
    });
  // Commands inherit the settings above, so they are added last.
  for (const add of COMMANDS) add(program, context, setExitCode);
  return program;
}

/**
 * Formats an error of commander like our own: with our prefix, and in one line
 * even if it has a suggestion.
 */
function tidyError(text: string): string {
  return text.replace(/^error: /, "nargate: ").replaceAll("\n(", " (");
}

/**
 * Runs a command and returns its exit code: 0, 1 for a failure, 2 for wrong use,
 * 130 for Ctrl-C.
 */
export async function runProgram(
  args: readonly string[],
  context: ProcessContext,
): Promise<number> {
  let exitCode: number | undefined;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode ?? (context.signal.aborted ? 130 : 0);
  } catch (error) {
    if (context.signal.aborted) return 130;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    context.stderr.write(`nargate: ${toOneLine(describeError(error))}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/**
 * Runs the command line of this process. The first Ctrl-C ends the command in
 * order, the second one kills it.
 */
export async function runProcess(): Promise<void> {
  const outputs = watchOutputs();
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => controller.abort(new Interrupted(name)));
  }
  const code = await runProgram(process.argv.slice(2), createProcessContext(controller.signal));
  process.exitCode = code === 0 && outputs.isLost() ? 1 : code;
}

/**
 * Watches for write errors on the outputs. A reader that closes a pipe, such as
 * `head`, is no error: the command continues to its end. Any other error, such as
 * a full disk, makes the command fail.
 */
function watchOutputs() {
  let isLost = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "EPIPE" || isLost) return;
      isLost = true;
      process.exitCode ||= 1;
      process.stderr.write(`nargate: cannot write the output: ${code}\n`);
    });
  }
  return { isLost: () => isLost };
}
