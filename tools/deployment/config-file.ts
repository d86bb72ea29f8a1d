import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { unstable_readConfig } from "wrangler";
import { UsageError } from "../../src/client/client-error.ts";

/** The wrangler.toml of this repository. */
export const CONFIG_FILE = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));

/** Returns the settings in [vars] of a wrangler.toml. Throws `UsageError` if it does not exist. */
export function readConfigVars(config: string): Readonly<Record<string, unknown>> {
  if (!existsSync(config)) throw new UsageError(`--config: ${config} does not exist`);
  return unstable_readConfig({ config }, { hideWarnings: true }).vars;
}
