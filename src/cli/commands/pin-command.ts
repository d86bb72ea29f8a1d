import type { PinKeep } from "../../api/pins.ts";
import { ClientError } from "../../client/client-error.ts";
import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { type CacheOptions, type OpenCache, openCache } from "../../client/gateway/open-cache.ts";
import { createPinApi } from "../../client/gateway/pin-api.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { formatPinned } from "../../client/push/pin-outcome.ts";
import { formatStorePath, parseStorePath, type StorePath } from "../../nix/store-path.ts";
import { type PathArgument, resolvePathArgument } from "../closure/path-argument.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";
import { addKeepFlags, type KeepFlags, readKeep, requirePinName } from "../keep-flags.ts";

interface PinOptions extends CacheOptions, KeepFlags {
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  nargate pin v1.0 ./result
  nargate pin main ./result --keep-revisions 3
`;

/** `nargate pin`: protects a path of the cache from garbage collection, under a name. */
export const addPinCommand: AddCommand = (program, context) => {
  const command = program
    .command("pin")
    .summary("Keep a path of the cache, with all paths that it needs.")
    .description(
      "Keep a path of the cache, with all paths that it needs, under a name. Pin the same name again to add a revision: the flags of the newest revision say which ones the pin keeps.",
    )
    .argument("<name>", "the name of the pin: letters, digits and . _ -")
    .argument("<path>", "a store path, its base name or hash, or a symlink such as ./result");
  addKeepFlags(command)
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (name: string, path: string, options: PinOptions) => {
      await pin(requirePinName(name), path, options, context);
    });
  addCacheOptions(command);
};

async function pin(
  name: string,
  text: string,
  options: PinOptions,
  context: ProcessContext,
): Promise<void> {
  const keep: PinKeep = readKeep(options);
  const cache = await openCache(options, context);
  const { storeDir } = await readGatewayFacts(cache.firstContact);
  const argument = await resolvePathArgument(text, storeDir, context);
  const path = await findWholePath(argument, storeDir, cache);
  const { kept, dropped } = await createPinApi(cache.client).set(name, path, keep);
  const whole = formatStorePath(path, storeDir);
  if (options.json === true) {
    const value = { name, path: whole, keep, kept, dropped };
    context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    return;
  }
  context.stdout.write(`${formatPinned({ name, keep, kept, dropped })}\n  ${whole}\n`);
}

/** Returns the path with its name, which the cache knows if the user gave only the hash. */
async function findWholePath(
  { hash, text }: PathArgument,
  storeDir: string,
  { client }: OpenCache,
): Promise<StorePath> {
  const path = parseStorePath(text, storeDir);
  if (path.ok) return path.value;
  const narinfo = await client.readNarinfo(hash, storeDir);
  if (narinfo === undefined) {
    throw new ClientError(`the cache has no path with the hash ${hash}. Push it before you pin it`);
  }
  if (narinfo === "unreadable") {
    throw new ClientError(`only Nix can read the narinfo of ${hash}. Give the whole store path`);
  }
  return narinfo.storePath;
}
