import { chmod, mkdir } from "node:fs/promises";
import path from "node:path";
import { replaceFile } from "../../src/client/replace-file.ts";
import { writeTokenFile } from "../../src/client/token-list.ts";
import { formatSecrets } from "../deployment/secrets-file.ts";
import type { SecretsPlan } from "./plan-secrets.ts";
import type { InitFiles, PresentState } from "./present-state.ts";

export interface InitPlan {
  readonly files: InitFiles;
  /** The new text of wrangler.toml. */
  readonly configText: string;
  readonly secrets: SecretsPlan;
}

/** Describes what `writePlan` will write. No line has a secret. */
export function describePlan({ configText, files }: PresentState, plan: InitPlan): string {
  const before = new Set(configText.split("\n"));
  const changed = plan.configText.split("\n").filter((line) => !before.has(line));
  return [
    changed.length === 0
      ? `${files.config} stays as it is.`
      : `These lines change in ${files.config}:`,
    ...changed.map((line) => `  ${line}`),
    "",
    ...plan.secrets.notes,
    `The secrets go into ${files.secrets}, which only you can read.`,
    "",
  ].join("\n");
}

/**
 * Writes the files: the tokens first, and the settings last, so that a run which is
 * killed leaves nothing that another run cannot use.
 */
export async function writePlan({ files, configText, secrets }: InitPlan): Promise<void> {
  await mkdir(path.dirname(files.secrets), { recursive: true, mode: 0o700 });
  await writeSecret(files.pushToken, `${secrets.pushToken}\n`);
  await writeSecret(files.adminToken, `${secrets.adminToken}\n`);
  await writeTokenFile(files.tokenList, secrets.tokens);
  await writeSecret(files.secrets, formatSecrets(secrets.secrets));
  await replaceFile(files.config, configText, { isSecret: false });
}

async function writeSecret(file: string, text: string): Promise<void> {
  await replaceFile(file, text, { isSecret: true });
  // replaceFile keeps what an earlier file allowed to its group.
  await chmod(file, 0o600);
}
