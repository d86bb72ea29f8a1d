/** `npm run deploy`: checks the settings, then runs `wrangler deploy`. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { deployProblems } from "./deploy-problems.ts";
import { runWithSecrets } from "./run-with-secrets.ts";
import { UsageError } from "../../src/client/client-error.ts";
import { CONFIG_FILE, readConfig } from "../deployment/config-file.ts";
import { readSecretsFile } from "../deployment/secrets-file.ts";
import { runCommand } from "../run-command.ts";

const USAGE = `Usage: npm run deploy -- [--config FILE] [--secrets-file FILE]
                          [any argument of wrangler deploy]

  Checks every setting in wrangler.toml, or in the file that --config names, and
  then runs wrangler deploy.
  With --secrets-file, also checks and deploys the secrets in FILE, which has
  the format of .dev.vars.example. FILE may be - for standard input, or a pipe:
  then no file holds the secrets. Deploys nothing if a setting is wrong.
`;

const WRANGLER = fileURLToPath(
  new URL("../../node_modules/wrangler/bin/wrangler.js", import.meta.url),
);

/** Throws if an argument would make wrangler use settings that this command does not check. */
function refuseUnchecked(wranglerArguments: readonly string[]): void {
  const unchecked = wranglerArguments.find((argument) =>
    /^(?:--(?:env|var)|-e)(?:=|$)/.test(argument),
  );
  if (unchecked !== undefined) {
    throw new UsageError(
      `npm run deploy does not check ${unchecked}; put the settings into wrangler.toml instead`,
    );
  }
}

/** Returns the file that a flag names, with the arguments that are left. */
function takeFile(flag: string, all: readonly string[]) {
  const at = all.findIndex((argument) => argument === flag || argument.startsWith(`${flag}=`));
  if (at < 0) return { file: undefined, rest: all };
  const isJoined = all[at] !== flag;
  const file = isJoined ? all[at]?.slice(flag.length + 1) : all[at + 1];
  if (file === undefined || file === "") throw new UsageError(USAGE);
  return { file, rest: all.toSpliced(at, isJoined ? 1 : 2) };
}

/** Returns the exit code. */
function runInTerminal([program = "", ...programArguments]: readonly string[]): number | null {
  return spawnSync(program, programArguments, { stdio: "inherit" }).status;
}

async function main(): Promise<string> {
  const wranglerArguments = process.argv.slice(2);
  if (wranglerArguments.some((argument) => argument === "--help" || argument === "-h"))
    return USAGE;
  refuseUnchecked(wranglerArguments);
  const { file: config = CONFIG_FILE, rest } = takeFile("--config", wranglerArguments);
  const { file: secretsFile, rest: others } = takeFile("--secrets-file", rest);
  const { vars, exports } = readConfig(config);
  const secrets = secretsFile === undefined ? undefined : await readSecretsFile(secretsFile);
  const problems = await deployProblems(vars, secrets, exports);
  if (problems.length > 0) {
    throw new Error(
      [
        "Nothing is deployed. Correct these settings first:",
        ...problems.map((problem) => `  ${problem}`),
      ].join("\n"),
    );
  }
  const wrangler = [process.execPath, WRANGLER, "deploy", "--config", config, ...others];
  const status =
    secrets === undefined ? runInTerminal(wrangler) : await runWithSecrets(wrangler, secrets);
  if (status !== 0) throw new Error("wrangler failed; its message is above.");
  return secrets === undefined
    ? "The secrets at Cloudflare are unchanged. To list them, run: npx wrangler secret list\n"
    : "";
}

runCommand(main);
