import type { CacheOptions } from "../../client/gateway/open-cache.ts";
import { openCatalogApi } from "../catalog/open-catalog-api.ts";
import { writePages } from "../catalog/path-lines.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface SearchOptions extends CacheOptions {
  readonly json?: boolean;
}

/** `nargate search`: finds paths by a part of their names. */
export const addSearchCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("search")
    .summary("Find paths in the cache by a part of their names.")
    .description(
      "Find paths in the cache by a part of their names, whatever its case. One or two letters find the package of exactly this name. Needs a token with the scope push, and a gateway with CATALOG=on. The exit code is 1 if nothing is found.",
    )
    .argument("<name>", "a part of the names, such as hello-2")
    .option("--json", "print a line of JSON for each path")
    .addHelpText("after", "\nExample:\n  nargate search --to https://cache.example.org hello")
    .action(async (name: string, options: SearchOptions) => {
      const { catalog, storeDir } = await openCatalogApi(options, context);
      const how = { storeDir, isJson: options.json === true };
      const found = await writePages(catalog.searchPaths(name), how, context);
      if (found === 0) setExitCode(1);
    });
  addCacheOptions(command);
};
