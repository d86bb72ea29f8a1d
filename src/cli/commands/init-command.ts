import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ClientError, UsageError } from "../../client/client-error.ts";
import type { AddCommand } from "../command.ts";
import { runWatched } from "../run-watched.ts";

/**
 * The set-up is a program of its own, in a clone of the repository: it edits
 * wrangler.toml, and deploys with wrangler. The published command has neither.
 */
const PROGRAM = fileURLToPath(new URL("../../../tools/init/main.ts", import.meta.url));

/** `nargate init`: sets up a cache. */
export const addInitCommand: AddCommand = (program, context, setExitCode) => {
  program
    .command("init")
    .description("Set up a cache: the bucket, its keys and tokens, and the worker at Cloudflare.")
    .helpOption(false)
    .helpCommand(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .passThroughOptions()
    .argument("[flags...]", "nargate init --help lists them")
    .action(async (flags: readonly string[]) => {
      if (!existsSync(PROGRAM)) {
        throw new UsageError(
          "nargate init runs in a clone of the repository of Nargate: clone it, run npm ci there, and then ./nargate init",
        );
      }
      const node = [process.execPath, "--no-warnings", PROGRAM, ...flags];
      const command = runWatched(node, context);
      const exitCode = await command.ended;
      const failure = command.failure();
      if (failure instanceof ClientError) throw failure;
      setExitCode(exitCode);
    });
};
