import type { CacheOptions } from "../../client/gateway/open-cache.ts";
import { openCatalogApi } from "../catalog/open-catalog-api.ts";
import { formatStats } from "../catalog/stats-report.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface StatsOptions extends CacheOptions {
  readonly json?: boolean;
}

/** `nargate stats`: shows how much is in the cache. */
export const addStatsCommand: AddCommand = (program, context) => {
  const command = program
    .command("stats")
    .summary("Show how much is in the cache, and how far its catalog is.")
    .description(
      "Show how much is in the cache, and how far its catalog is. Needs a token with the scope push, and a gateway with CATALOG=on.",
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  nargate stats --to https://cache.example.org")
    .action(async (options: StatsOptions) => {
      const { catalog, url } = await openCatalogApi(options, context);
      const stats = await catalog.readStats();
      context.stdout.write(
        options.json === true
          ? `${JSON.stringify({ url, ...stats }, null, 2)}\n`
          : formatStats(url, stats),
      );
    });
  addCacheOptions(command);
};
