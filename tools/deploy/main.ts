/** `npm run deploy`: checks the settings, then has wrangler deploy. */
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

  Checks every setting of wrangler.toml, and the secrets of FILE if one is
  given (in the format of .dev.vars.example), before anything is deployed.
`;

const WRANGLER = fileURLToPath(
  new URL("../../node_modules/wrangler/bin/wrangler.js", import.meta.url),
);
const CONFIG_FILE = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));

async function readSecrets(file: string): Promise<Record<string, string>> {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const entries = Object.entries(parseEnv(await readFile(file, "utf8")));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** What wrangler will read, or an error where it would read settings that nobody checked. */
function findSecretsFile(wranglerArguments: readonly string[]): string | undefined {
  const unchecked = wranglerArguments.find((argument) =>
    /^(?:--(?:env|var)|-e)(?:=|$)/.test(argument),
  );
  if (unchecked !== undefined) {
    throw new UsageError(`${unchecked} would set what is not checked here; use wrangler.toml`);
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
    throw new Error(["Not deployed:", ...problems.map((problem) => `  ${problem}`)].join("\n"));
  }
  const { status } = spawnSync(
    process.execPath,
    [WRANGLER, "deploy", "--config", CONFIG_FILE, ...wranglerArguments],
    { stdio: "inherit" },
  );
  if (status !== 0) throw new Error("wrangler did not deploy; see above.");
  return secrets === undefined
    ? "The secrets were left as they are: npx wrangler secret list\n"
    : "";
}

runCommand(main);
