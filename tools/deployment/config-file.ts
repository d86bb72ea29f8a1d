import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { unstable_readConfig } from "wrangler";
import { UsageError } from "../../src/client/client-error.ts";

/** The wrangler.toml of this repository. */
export const CONFIG_FILE = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));

/** What a wrangler.toml says about a deployment. */
export interface DeploymentConfig {
  /** The settings in [vars]. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** The names of the entrypoints and objects that the worker may call. */
  readonly exports: readonly string[];
}

/** Reads a wrangler.toml. Throws `UsageError` if it does not exist. */
export function readConfig(config: string): DeploymentConfig {
  if (!existsSync(config)) throw new UsageError(`--config: ${config} does not exist`);
  const { vars, exports } = unstable_readConfig({ config }, { hideWarnings: true });
  return { vars, exports: Object.keys(exports ?? {}) };
}
