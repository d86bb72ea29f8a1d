import type { KnownPath } from "../../api/catalog-answers.ts";
import { describeError } from "../../client/client-error.ts";
import type { CacheClient } from "../../client/gateway/cache-client.ts";
import { createCatalogApi, hasNoCatalog } from "../../client/gateway/catalog-api.ts";
import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import { toOneLine } from "../../client/plain-text.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { formatKnownPath } from "../catalog/known-path-report.ts";
import { inspectPath, isSound } from "../closure/inspect-path.ts";
import { resolvePathArgument } from "../closure/path-argument.ts";
import { formatInspection, formatInspectionJson } from "../closure/path-report.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface InfoOptions extends CacheOptions {
  readonly json?: boolean;
}

/** `nargate info`: shows all facts of one path in the cache, and checks them. */
export const addInfoCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("info")
    .summary("Show all facts of one path in the cache, and check them.")
    .description(
      "Show all facts of one path in the cache, and check its signatures and its NAR. With a token that may push, and a gateway with CATALOG=on, also show who pushed it, when it was used, and which paths need it. The exit code is 1 if the path is missing, or if clients would refuse it.",
    )
    .argument("<path>", "a store path, its base name or hash, or a symlink such as ./result")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  nargate info --to https://cache.example.org ./result\n")
    .action(async (path: string, options: InfoOptions) => {
      setExitCode(await inspect(path, options, context));
    });
  addCacheOptions(command);
};

async function inspect(
  path: string,
  options: InfoOptions,
  context: ProcessContext,
): Promise<number> {
  const { client, firstContact, token } = await openCache(options, context);
  const facts = await readGatewayFacts(firstContact);
  const { hash, text } = await resolvePathArgument(path, facts.storeDir, context);
  const found = await client.readNarinfo(hash, facts.storeDir);
  const isJson = options.json === true;
  if (found === undefined) {
    context.stdout.write(
      isJson
        ? `${JSON.stringify({ path: text, status: "missing" }, null, 2)}\n`
        : `${text}: missing\n`,
    );
    return 1;
  }
  if (found === "unreadable") {
    context.stdout.write(
      isJson
        ? `${JSON.stringify({ path: text, status: "unreadable" }, null, 2)}\n`
        : `${text}: there, in a compression that only Nix reads\n`,
    );
    return 0;
  }
  const inspection = await inspectPath(found, client, facts);
  const known = token === undefined ? undefined : await askCatalog(hash, firstContact, context);
  context.stdout.write(
    isJson
      ? formatInspectionJson(inspection, facts.storeDir, known)
      : formatInspection(inspection, facts.storeDir) +
          (known === undefined ? "" : formatKnownPath(known)),
  );
  return isSound(inspection) ? 0 : 1;
}

/**
 * Asks the catalog, if the gateway has one and the token may. A catalog in trouble is told in
 * one line: the path is in the cache all the same.
 */
async function askCatalog(
  hash: StorePathHash,
  client: CacheClient,
  { stderr }: ProcessContext,
): Promise<KnownPath | undefined> {
  try {
    return await createCatalogApi(client).readPath(hash);
  } catch (error) {
    if (!hasNoCatalog(error)) {
      stderr.write(`nargate: ${toOneLine(describeError(error))}\n`);
    }
    return undefined;
  }
}
