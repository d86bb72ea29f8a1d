import { stripVTControlCharacters } from "node:util";
import { ClientError } from "../../src/client/client-error.ts";
import { toOneLine } from "../../src/client/plain-text.ts";
import type { Deployer } from "./deployer.ts";
import type { RunProgram } from "./run-program.ts";

const WRANGLER = "node_modules/wrangler/bin/wrangler.js";

/** Cloudflare's code for a worker that does not exist yet. */
const NO_SUCH_WORKER = /\b10007\b|does not exist/;

/**
 * Deploys to Cloudflare by wrangler. Without a domain name the address of the cache is
 * the one on workers.dev that wrangler prints.
 */
export function createCloudflareDeployer(run: RunProgram, canAsk: boolean): Deployer {
  async function requireLogin(): Promise<void> {
    const { output } = await run(WRANGLER, ["whoami", "--json"], "silent");
    if (isLoggedIn(output)) return;
    if (!canAsk) {
      throw new ClientError(
        "wrangler is not logged in to Cloudflare. Set CLOUDFLARE_API_TOKEN, or run npx wrangler login; then run nargate init again, which continues here",
      );
    }
    const { status } = await run(WRANGLER, ["login"], "asking");
    if (status !== 0) throw new ClientError("wrangler login failed; its message is above");
  }

  return {
    async prepare(config) {
      await requireLogin();
      const list = ["secret", "list", "--config", config, "--format", "json"];
      const { status, output, errors } = await run(WRANGLER, list, "silent");
      if (status === 0) return parseSecretNames(output);
      const said = `${errors} ${output}`;
      if (NO_SUCH_WORKER.test(said)) return [];
      throw new ClientError(
        `wrangler cannot list the secrets of the worker: ${toOneLine(stripVTControlCharacters(said).trim())} (with several accounts set CLOUDFLARE_ACCOUNT_ID)`,
      );
    },

    async deploy(config, secretsFile, host) {
      const args = ["--config", config, "--secrets-file", secretsFile];
      const { status, output } = await run("tools/deploy/main.ts", args, "shown");
      if (status !== 0) {
        throw new ClientError(
          "the deployment failed; the message is above. The files are written: run nargate init again to continue",
        );
      }
      const onWorkersDev = /https:\/\/[\w.-]+\.workers\.dev\b/.exec(output)?.[0];
      const url = host === undefined ? onWorkersDev : `https://${host}`;
      return { url, again: undefined, close: async () => {} };
    },
  };
}

function isLoggedIn(output: string): boolean {
  try {
    return (JSON.parse(output) as { loggedIn?: unknown }).loggedIn === true;
  } catch {
    return false;
  }
}

function parseSecretNames(output: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(output);
    return (Array.isArray(list) ? list : []).flatMap((item: unknown) => {
      const name = (item as { name?: unknown } | null)?.name;
      return typeof name === "string" ? [toOneLine(name)] : [];
    });
  } catch {
    throw new ClientError("wrangler secret list gave an answer that is not JSON");
  }
}
