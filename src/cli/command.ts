import type { Command } from "commander";
import type { ProcessContext } from "../client/process-context.ts";

/** Adds a command to the program. `setExitCode` is for one that ran well and found something bad. */
export type AddCommand = (
  program: Command,
  context: ProcessContext,
  setExitCode: (code: number) => void,
) => void;

/** With these every command that asks a cache says which one, and as whom. */
export function addCacheOptions(command: Command): Command {
  return command
    .option("--to <url>", "the cache (default: NARGATE_URL)")
    .option("--token-file <file>", "a file with the token (default: NARGATE_TOKEN, then netrc)");
}
