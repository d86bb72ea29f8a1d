import type { ClosurePath } from "../../api/catalog-answers.ts";
import { namesOfKeepers } from "../../api/pins.ts";
import { ClientError } from "../../client/client-error.ts";
import { createDeletionApi } from "../../client/gateway/deletion-api.ts";
import { createPinApi } from "../../client/gateway/pin-api.ts";
import type { CacheOptions } from "../../client/gateway/open-cache.ts";
import { toOneLine } from "../../client/plain-text.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { parseStorePathHash, type StorePathHash } from "../../nix/store-path.ts";
import { confirm } from "../audit/confirm.ts";
import { deletePaths } from "../catalog/delete-paths.ts";
import { openCatalogApi } from "../catalog/open-catalog-api.ts";
import { formatBaseName, formatCount } from "../catalog/path-lines.ts";
import { resolvePathArgument } from "../closure/path-argument.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface DeleteOptions extends CacheOptions {
  readonly withReferrers?: boolean;
  readonly now?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** `nargate delete`: deletes a path, and never one that others need. */
export const addDeleteCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("delete")
    .summary("Delete a path from the cache, unless other paths need it.")
    .description(
      "Delete a path from the cache. If other paths of the cache need it, name them and delete nothing. Needs a token with the scope admin, and a gateway with CATALOG=on.",
    )
    .argument("<path>", "a store path, its base name or hash, or a symlink such as ./result")
    .option("--with-referrers", "also delete all paths that need it; the list is shown first")
    .option(
      "--now",
      "also delete the NARs at once, such as for a leaked secret. Clients that remember a narinfo (for 30 days) then fail",
    )
    .option("--dry-run", "show what would be deleted, and delete nothing")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      "\nExample:\n  nargate delete --dry-run --with-referrers --to https://cache.example.org ./result",
    )
    .action(async (path: string, options: DeleteOptions) => {
      setExitCode(await deletePath(path, options, context));
    });
  addCacheOptions(command);
};

/** The most paths that are named before the question. */
const SHOWN = 20;

async function deletePath(
  path: string,
  options: DeleteOptions,
  context: ProcessContext,
): Promise<number> {
  const { catalog, client, storeDir } = await openCatalogApi(options, context);
  const { hash, text } = await resolvePathArgument(path, storeDir, context);
  const dependents = await catalog.readDependents(hash);
  const present = dependents?.found.filter((one) => one.present) ?? [];
  const { stdout, stderr } = context;
  if (dependents === undefined || !present.some((one) => one.hash === hash)) {
    stdout.write(`${text}: missing\n`);
    return 1;
  }
  if (dependents.more) {
    throw new ClientError(
      `more than ${dependents.paths} paths need ${toOneLine(text)}: delete some of these first`,
    );
  }
  const referrers = present.filter((one) => one.hash !== hash);
  if (referrers.length > 0 && options.withReferrers !== true) {
    stdout.write(
      `${formatCount(referrers.length)} of this cache need it, directly or not:\n${formatNames(referrers)}`,
    );
    stderr.write("Nothing was deleted. --with-referrers deletes them all.\n");
    return 1;
  }
  const { pins: allPins } = await createPinApi(client).list();
  const hashes = new Set(present.map((one) => one.hash));
  const pins = namesOfKeepers(allPins, hashes, context.now());
  if (pins.length > 0) {
    stderr.write(
      `Nothing was deleted, because pins keep some of these paths: ${pins.join(", ")}. Remove them first (nargate unpin).\n`,
    );
    return 1;
  }
  stdout.write(`${formatCount(present.length)} to delete:\n${formatNames(present)}`);
  if (options.dryRun === true) return 0;
  if (options.yes !== true && !(await confirm(question(present.length, options), context))) {
    stderr.write("Nothing was deleted.\n");
    return 1;
  }
  return await deletePaths(
    present.map((one) => requireHash(one)),
    options.now === true,
    { catalog, deletion: createDeletionApi(client) },
    context,
  );
}

function question(paths: number, { now }: DeleteOptions): string {
  return now === true
    ? `Delete ${formatCount(paths)} and the NARs?`
    : `Delete ${formatCount(paths)}?`;
}

function formatNames(paths: readonly ClosurePath[]): string {
  const lines = paths
    .slice(0, SHOWN)
    .map(({ hash, name }) => `  ${toOneLine(formatBaseName(hash, name))}\n`);
  const left = paths.length - SHOWN;
  return lines.join("") + (left > 0 ? `  and ${left} more\n` : "");
}

/** The gateway's answer comes from outside, and its hashes become parts of requests. */
function requireHash({ hash }: ClosurePath): StorePathHash {
  const parsed = parseStorePathHash(hash);
  if (parsed.ok) return parsed.value;
  throw new ClientError("the gateway named a path that is none. Use the same version of nargate");
}
