import { chmod, mkdir } from "node:fs/promises";
import path from "node:path";
import { replaceFile } from "../../src/client/replace-file.ts";
import { writeTokenFile } from "../../src/client/token-list.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import { formatSecrets } from "../deployment/secrets-file.ts";
import type { SecretsPlan } from "./plan-secrets.ts";
import type { InitFiles, PresentState } from "./present-state.ts";

export interface InitPlan {
  readonly files: InitFiles;
  readonly bucket: BucketLocation;
  /** The new text of wrangler.toml. */
  readonly configText: string;
  readonly secrets: SecretsPlan;
}

/**
 * Describes what `writePlan` will write. No line has a secret. A dry run does not show
 * a new key, because the real run makes another one.
 */
export function describePlan(
  { configText, files }: PresentState,
  plan: InitPlan,
  isDryRun: boolean,
): string {
  const { publicKey, isKeyNew } = plan.secrets;
  const hidden = isDryRun && isKeyNew ? publicKey : undefined;
  const before = new Set(configText.split("\n"));
  const changed = plan.configText
    .split("\n")
    .filter((line) => !before.has(line))
    .map((line) => (hidden === undefined ? line : line.replace(hidden, "<a new key>")));
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
export async function writePlan(plan: InitPlan): Promise<void> {
  const { files, configText, secrets } = plan;
  await mkdir(path.dirname(files.secrets), { recursive: true, mode: 0o700 });
  await writeSecret(files.pushToken, `${secrets.pushToken}\n`);
  await writeSecret(files.adminToken, `${secrets.adminToken}\n`);
  await writeTokenFile(files.tokenList, secrets.tokens);
  await writeSecret(files.bucket, formatBucket(plan));
  if (secrets.publicKey !== undefined) {
    await writeSecret(files.signingKey, `${secrets.secrets["SIGNING_KEY"]}\n`);
  }
  await writeSecret(files.secrets, formatSecrets(secrets.secrets));
  await replaceFile(files.config, configText, { isSecret: false });
}

/** Returns the six settings of the bucket as lines for a shell. */
function formatBucket({ bucket }: InitPlan): string {
  const settings = {
    B2_ENDPOINT: bucket.endpoint,
    B2_REGION: bucket.region,
    B2_BUCKET: bucket.bucket,
    B2_PREFIX: bucket.prefix,
    B2_KEY_ID: bucket.keyId,
    B2_APPLICATION_KEY: bucket.applicationKey,
  };
  const lines = Object.entries(settings).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`,
  );
  return `# For nargate fsck, nargate sign and npm run canary: . FILE\n${lines.join("\n")}\n`;
}

async function writeSecret(file: string, text: string): Promise<void> {
  await replaceFile(file, text, { isSecret: true });
  // replaceFile keeps what an earlier file allowed to its group.
  await chmod(file, 0o600);
}
