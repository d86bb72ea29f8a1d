/** `npm run deploy`: checks the settings, then runs `wrangler deploy`. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { unstable_readConfig } from "wrangler";
import { deployProblems } from "./deploy-problems.ts";
import { UsageError } from "../../src/client/client-error.ts";
import { runCommand } from "../run-command.ts";

const USAGE = `Usage: npm run deploy -- [--secrets-file FILE] [any argument of wrangler deploy]

  Checks every setting in wrangler.toml, and then runs wrangler deploy.
  With --secrets-file, also checks and deploys the secrets in FILE, which has
  the format of .dev.vars.example. Deploys nothing if a setting is wrong.
`;

const WRANGLER = fileURLToPath(
  new URL("../../node_modules/wrangler/bin/wrangler.js", import.meta.url),
);
const CONFIG_FILE = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));

async function readSecrets(file: string): Promise<Record<string, string>> {
  if (!existsSync(file)) throw new UsageError(`--secrets-file: ${file} does not exist`);
  const entries = Object.entries(parseEnv(await readFile(file, "utf8")));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/**
 * Returns the value of `--secrets-file`. Throws if an argument would make wrangler
 * use settings that this command does not check.
 */
function findSecretsFile(wranglerArguments: readonly string[]): string | undefined {
  const unchecked = wranglerArguments.find((argument) =>
    /^(?:--(?:env|var)|-e)(?:=|$)/.test(argument),
  );
  if (unchecked !== undefined) {
    throw new UsageError(
      `npm run deploy does not check ${unchecked}; put the settings into wrangler.toml instead`,
    );
  }
  const flag = wranglerArguments.findIndex((argument) => /^--secrets-file(?:=|$)/.test(argument));
  if (flag < 0) return undefined;
  const file = wranglerArguments[flag]?.split("=", 2)[1] ?? wranglerArguments[flag + 1];
  if (file === undefined || file === "") throw new UsageError(USAGE);
  return file;
}

async function main(): Promise<string> {
  const wranglerArguments = process.argv.slice(2);
  if (wranglerArguments.some((argument) => argument === "--help" || argument === "-h"))
    return USAGE;
  const { vars } = unstable_readConfig({ config: CONFIG_FILE }, { hideWarnings: true });
  const secretsFile = findSecretsFile(wranglerArguments);
  const secrets = secretsFile === undefined ? undefined : await readSecrets(secretsFile);
  const problems = await deployProblems(vars, secrets);
  if (problems.length > 0) {
    throw new Error(
      [
        "Nothing is deployed. Correct these settings first:",
        ...problems.map((problem) => `  ${problem}`),
      ].join("\n"),
    );
  }
  const { status } = spawnSync(
    process.execPath,
    [WRANGLER, "deploy", "--config", CONFIG_FILE, ...wranglerArguments],
    { stdio: "inherit" },
  );
  if (status !== 0) throw new Error("wrangler failed; its message is above.");
  return secrets === undefined
    ? "The secrets at Cloudflare are unchanged. To list them, run: npx wrangler secret list\n"
    : "";
}

runCommand(main);
