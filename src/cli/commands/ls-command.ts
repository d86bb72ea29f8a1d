import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { isUsable } from "../../client/gateway/usable.ts";
import { lookAtNar } from "../../client/gateway/look-at-nar.ts";
import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { UsageError } from "../../client/client-error.ts";
import { openCatalogApi } from "../catalog/open-catalog-api.ts";
import { writePages } from "../catalog/path-lines.ts";
import { formatClosure, formatClosureJson } from "../closure/closure-report.ts";
import { resolvePathArgument } from "../closure/path-argument.ts";
import { isLacking, walkClosure } from "../closure/walk-closure.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface LsOptions extends CacheOptions {
  readonly all?: boolean;
  readonly byName?: boolean;
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
    .argument("[path...]", "a store path, its base name or hash, or a symlink such as ./result")
    .option(
      "--closure",
      "also list all paths that these paths need, by the references in the cache",
    )
    .option(
      "--verify",
      "also look whether the NAR of each path is there, with the right size; the exit code is 1 if one is not",
    )
    .option(
      "--all",
      "list all paths of the cache instead, as they come; needs a token with the scope push, and a gateway with CATALOG=on",
    )
    .option("--by-name", "with --all: in the order of the names")
    .option("--json", "print JSON; with --all a line for each path")
    .addHelpText(
      "after",
      "\nExamples:\n  nargate ls --closure --to https://cache.example.org ./result\n  nargate ls --all --to https://cache.example.org",
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
  if (options.all === true) return await listAll(paths, options, context);
  if (options.byName === true) throw new UsageError("--by-name needs --all");
  if (paths.length === 0) throw new UsageError("nothing to list: name store paths, or use --all");
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

async function listAll(
  paths: readonly string[],
  options: LsOptions,
  context: ProcessContext,
): Promise<number> {
  if (paths.length > 0 || options.closure === true || options.verify === true) {
    throw new UsageError("--all lists every path: it takes no path, no --closure and no --verify");
  }
  const { catalog, storeDir } = await openCatalogApi(options, context);
  const pages = catalog.listPaths(options.byName === true ? "name" : "hash");
  await writePages(pages, { storeDir, isJson: options.json === true }, context);
  return 0;
}
