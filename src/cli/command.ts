import type { Command } from "commander";
import type { ProcessContext } from "../client/process-context.ts";

/**
 * Adds a command to the program. A command calls `setExitCode` if it ran well but
 * found a problem, such as a missing path. If it throws, the exit code is 1 or 2.
 */
export type AddCommand = (
  program: Command,
  context: ProcessContext,
  setExitCode: (code: number) => void,
) => void;

/** Adds the options that name the cache and the token. Every command that uses a cache has them. */
export function addCacheOptions(command: Command): Command {
  return command
    .option("--to <url>", "the URL of the cache (default: NARGATE_URL)")
    .option(
      "--token-file <file>",
      "a file with the token; - is standard input (default: NARGATE_TOKEN, then netrc)",
    );
}
