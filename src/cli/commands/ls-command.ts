import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { isUsable } from "../../client/gateway/usable.ts";
import { lookAtNar } from "../../client/gateway/look-at-nar.ts";
import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { formatClosure, formatClosureJson } from "../closure/closure-report.ts";
import { resolvePathArgument } from "../closure/path-argument.ts";
import { isLacking, walkClosure } from "../closure/walk-closure.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface LsOptions extends CacheOptions {
  readonly closure?: boolean;
  readonly verify?: boolean;
  readonly json?: boolean;
}

/** `nargate ls`: lists which paths the cache has. */
export const addLsCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("ls")
    .description(
      "List which of these paths the cache has. The exit code is 1 if a path is missing, or if clients do not accept it because of its signatures.",
    )
    .argument("<path...>", "a store path, its base name or hash, or a symlink such as ./result")
    .option(
      "--closure",
      "also list all paths that these paths need, by the references in the cache",
    )
    .option(
      "--verify",
      "also look whether the NAR of each path is there, with the right size; the exit code is 1 if one is not",
    )
    .option("--json", "print JSON")
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
  const { client, firstContact } = await openCache(options, context);
  const facts = await readGatewayFacts(firstContact);
  const { storeDir } = facts;
  const roots = await Promise.all(
    paths.map((path) => resolvePathArgument(path, storeDir, context)),
  );
  const isWhole = options.closure === true;
  const entries = await walkClosure(roots, {
    storeDir,
    isWhole,
    isUsable: (narinfo) => isUsable(narinfo, facts),
    readNarinfo: (hash) => client.readNarinfo(hash, storeDir),
    lookAtNar:
      options.verify === true ? async (narinfo) => await lookAtNar(narinfo, client) : undefined,
  });
  context.stdout.write(
    options.json === true
      ? formatClosureJson(client.url, entries)
      : formatClosure(entries, isWhole, facts),
  );
  return entries.some(isLacking) ? 1 : 0;
}
