import type { Command } from "commander";

/** With these every command that asks a cache says which one, and as whom. */
export function addCacheOptions(command: Command): Command {
  return command
    .option("--to <url>", "the cache (default: NARGATE_URL)")
    .option("--token-file <file>", "a file with the token (default: NARGATE_TOKEN, then netrc)");
}
