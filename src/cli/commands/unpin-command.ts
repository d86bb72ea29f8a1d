import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import { createPinApi } from "../../client/gateway/pin-api.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";
import { requirePinName } from "../keep-flags.ts";

interface UnpinOptions extends CacheOptions {
  readonly json?: boolean;
}

/** `nargate unpin`: removes a pin with all its revisions. */
export const addUnpinCommand: AddCommand = (program, context) => {
  const command = program
    .command("unpin")
    .summary("Remove a pin with all its revisions.")
    .description(
      "Remove a pin with all its revisions. The paths stay in the cache; the pin no longer protects them. Needs a token with the scope admin.",
    )
    .argument("<name>", "the name of the pin")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  nargate unpin v1.0 --token-file ~/admin-token\n")
    .action(async (text: string, options: UnpinOptions) => {
      const name = requirePinName(text);
      const { firstContact } = await openCache(options, context);
      const removed = await createPinApi(firstContact).remove(name);
      context.stdout.write(
        options.json === true
          ? `${JSON.stringify({ name, removed }, null, 2)}\n`
          : `unpinned ${name}: ${removed} ${removed === 1 ? "revision" : "revisions"} removed\n`,
      );
    });
  addCacheOptions(command);
};
