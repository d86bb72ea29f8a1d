import { createCollectionApi } from "../../client/gateway/collection-api.ts";
import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import { resolvePathArgument } from "../closure/path-argument.ts";
import { formatWhy } from "../collection-report.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface WhyOptions extends CacheOptions {
  readonly json?: boolean;
}

/** `nargate why`: says why the cache keeps a path. */
export const addWhyCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("why")
    .summary("Say why the cache keeps a path.")
    .description(
      "Say why the cache keeps a path: the rule or the pin that keeps it, or a path that needs it and is kept. Needs a token with the scope push. The exit code is 1 if nothing keeps the path.",
    )
    .argument("<path>", "a store path, its base name or hash, or a symlink such as ./result")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  nargate why --to https://cache.example.org ./result\n")
    .action(async (path: string, options: WhyOptions) => {
      const { client, firstContact } = await openCache(options, context);
      const { storeDir } = await readGatewayFacts(firstContact);
      const { hash, text } = await resolvePathArgument(path, storeDir, context);
      const answer = await createCollectionApi(client).why(hash);
      context.stdout.write(
        options.json === true
          ? `${JSON.stringify({ path: text, ...answer }, null, 2)}\n`
          : `${formatWhy(answer, text, storeDir)}\n`,
      );
      if (answer.state !== "kept") setExitCode(1);
    });
  addCacheOptions(command);
};
