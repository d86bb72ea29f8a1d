import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { formatClosure, formatClosureJson } from "../closure/closure-report.ts";
import { resolvePathArgument } from "../closure/path-argument.ts";
import { walkClosure } from "../closure/walk-closure.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface LsOptions extends CacheOptions {
  readonly closure?: boolean;
  readonly json?: boolean;
}

/** `nargate ls`: which of these paths the cache has. */
export const addLsCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("ls")
    .description("List what the cache has of these paths; exit code 1 if any is missing.")
    .argument("<path...>", "a store path, its base name or hash, or a link such as ./result")
    .option("--closure", "all that they refer to as well, as the cache knows it")
    .option("--json", "print JSON, for a program")
    .addHelpText(
      "after",
      "\nExample:\n  nargate ls --closure --to https://cache.example.org ./result",
    )
    .action(async (paths: readonly string[], options: LsOptions) => {
      setExitCode(await list(paths, options, context));
    });
  addCacheOptions(command);
};

async function list(
  paths: readonly string[],
  options: LsOptions,
  context: ProcessContext,
): Promise<number> {
  const { client } = await openCache(options, context);
  const { storeDir } = await readGatewayFacts(client);
  const roots = await Promise.all(
    paths.map((path) => resolvePathArgument(path, storeDir, context)),
  );
  const isWhole = options.closure === true;
  const entries = await walkClosure(roots, {
    storeDir,
    isWhole,
    readNarinfo: async (hash) => (await client.readNarinfo(hash, storeDir))?.narinfo,
  });
  context.stdout.write(
    options.json === true
      ? formatClosureJson(client.url, entries)
      : formatClosure(entries, isWhole),
  );
  return entries.some(({ narinfo }) => narinfo === undefined) ? 1 : 0;
}
