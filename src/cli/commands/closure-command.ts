import type { ClosurePath, ClosureTotals } from "../../api/catalog-answers.ts";
import type { CacheOptions } from "../../client/gateway/open-cache.ts";
import { toOneLine } from "../../client/plain-text.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { formatBytes } from "../../client/progress/format-amounts.ts";
import { openCatalogApi } from "../catalog/open-catalog-api.ts";
import { formatBaseName, formatCount, INCOMPLETE } from "../catalog/path-lines.ts";
import { resolvePathArgument } from "../closure/path-argument.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface ClosureCommandOptions extends CacheOptions {
  readonly size?: boolean;
  readonly json?: boolean;
}

/** `nargate closure`: lists what a path of the cache needs, and sums it up. */
export const addClosureCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("closure")
    .summary("List all paths that a path of the cache needs, with their sizes.")
    .description(
      "List all paths that a path of the cache needs, with their sizes. The gateway answers from its catalog, in one request. Needs a token with the scope push, and a gateway with CATALOG=on. The exit code is 1 if the cache lacks one of the paths.",
    )
    .argument("<path>", "a store path, its base name or hash, or a symlink such as ./result")
    .option("--size", "print only the number of the paths, and their sizes")
    .option("--json", "print a line of JSON for each path, and one for the sums")
    .addHelpText(
      "after",
      "\nExample:\n  nargate closure --size --to https://cache.example.org ./result",
    )
    .action(async (path: string, options: ClosureCommandOptions) => {
      setExitCode(await showClosure(path, options, context));
    });
  addCacheOptions(command);
};

async function showClosure(
  path: string,
  options: ClosureCommandOptions,
  context: ProcessContext,
): Promise<number> {
  const { catalog, storeDir } = await openCatalogApi(options, context);
  const { hash, text } = await resolvePathArgument(path, storeDir, context);
  const isJson = options.json === true;
  const { stdout, stderr } = context;
  const write = (one: ClosurePath) =>
    stdout.write(isJson ? formatJsonLine(one, storeDir) : formatLine(one));
  const totals = await catalog.readClosure(hash, options.size === true ? undefined : write);
  if (totals === undefined) {
    stdout.write(
      isJson ? `${JSON.stringify({ path: text, status: "missing" })}\n` : `${text}: missing\n`,
    );
    return 1;
  }
  stdout.write(isJson ? `${JSON.stringify({ totals })}\n` : formatTotals(totals));
  if (!totals.complete) stderr.write(INCOMPLETE);
  return totals.missing > 0 ? 1 : 0;
}

function formatLine({ hash, name, present, narSize, fileSize }: ClosurePath): string {
  const sizes = present
    ? `${formatSize(narSize)}  ${formatSize(fileSize)}`
    : "missing".padStart(22);
  return `${toOneLine(`${sizes}  ${formatBaseName(hash, name)}`)}\n`;
}

function formatSize(size: number | null): string {
  return (size === null ? "" : formatBytes(size)).padStart(10);
}

function formatJsonLine({ hash, name, ...facts }: ClosurePath, storeDir: string): string {
  const path = name === null ? null : `${storeDir}/${formatBaseName(hash, name)}`;
  return `${JSON.stringify({ path, hash, ...facts })}\n`;
}

function formatTotals({ paths, missing, narSize, fileSize, more }: ClosureTotals["totals"]) {
  const least = more ? "at least " : "";
  return `${least}${formatCount(paths)}, ${formatBytes(narSize)} unpacked, ${formatBytes(fileSize)} in the cache; ${missing} missing\n`;
}
