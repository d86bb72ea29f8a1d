import { readFile, realpath } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../src/client/client-error.ts";
import { configHome } from "../../src/client/config-home.ts";
import type { ProcessContext } from "../../src/client/process-context.ts";
import { defaultTokenFile, readTokenFile } from "../../src/client/token-list.ts";
import type { TokenEntry } from "../../src/settings/token-entries.ts";
import { CONFIG_FILE } from "../deployment/config-file.ts";
import { parseSecrets, type Secrets } from "../deployment/secrets-file.ts";
import { type ConfigFacts, parseConfig } from "./config-text.ts";
import type { InitFlags } from "./init-flags.ts";

/** The files that a set-up reads and writes. All are absolute paths. */
export interface InitFiles {
  readonly config: string;
  readonly secrets: string;
  /** The settings of the bucket and its key, for a shell. */
  readonly bucket: string;
  /** The secret key of the gateway, for `nargate sign`. */
  readonly signingKey: string;
  readonly pushToken: string;
  readonly adminToken: string;
  readonly tokenList: string;
}

/** The state that earlier runs left. */
export interface PresentState {
  readonly files: InitFiles;
  readonly configText: string;
  readonly config: ConfigFacts;
  /** Empty if there is no secrets file. */
  readonly secrets: Secrets;
  /** Undefined if there is no list. */
  readonly tokens: readonly TokenEntry[] | undefined;
  /** The tokens themselves, where their files exist. */
  readonly pushToken: string | undefined;
  readonly adminToken: string | undefined;
}

/** The folder of the trials that `--local` makes. Git ignores it. */
const TRIAL_FOLDER = fileURLToPath(new URL("../../.nargate/local", import.meta.url));

type FileFlags = Pick<InitFlags, "config" | "secretsFile" | "tokenList" | "target">;

/** Reads the files. Throws a `UsageError` if one is malformed, or would lie in the repository. */
export async function readPresentState(
  flags: FileFlags,
  context: Pick<ProcessContext, "env" | "cwd">,
): Promise<PresentState> {
  const isTrial = flags.target === "local" && flags.config === undefined;
  const configFile = isTrial
    ? path.join(TRIAL_FOLDER, "wrangler.toml")
    : path.resolve(context.cwd, flags.config ?? CONFIG_FILE);
  const configText =
    (await readOptional(configFile)) ?? (isTrial ? await readOptional(CONFIG_FILE) : undefined);
  if (configText === undefined)
    throw new UsageError(
      `--config: ${configFile} does not exist. Copy wrangler.toml of this repository there first`,
    );
  const config = parseConfig(configText);
  if (!config.ok) throw new UsageError(`${configFile} ${config.error}`);
  const files = findFiles(flags, configFile, config.value.name, isTrial, context);
  for (const file of [files.secrets, files.tokenList]) await refuseInRepository(file);
  const secrets = await readOptional(files.secrets);
  return {
    files,
    configText,
    config: config.value,
    secrets: secrets === undefined ? {} : parseSecrets(secrets),
    tokens: await readTokenFile(files.tokenList),
    pushToken: (await readOptional(files.pushToken))?.trim(),
    adminToken: (await readOptional(files.adminToken))?.trim(),
  };
}

function findFiles(
  { secretsFile, tokenList, target }: FileFlags,
  config: string,
  name: string,
  isTrial: boolean,
  context: Pick<ProcessContext, "env" | "cwd">,
): InitFiles {
  const given = (file: string) => path.resolve(context.cwd, file);
  const ownSecrets = isTrial ? path.join(TRIAL_FOLDER, "secrets.env") : undefined;
  const secrets =
    secretsFile === undefined ? (ownSecrets ?? placeOfSecrets(name, context)) : given(secretsFile);
  const directory = path.dirname(secrets);
  // The tokens of a trial must not open a real cache.
  const isApart = isTrial || (target === "local" && secretsFile !== undefined);
  const ownList = isApart ? path.join(directory, "tokens.json") : undefined;
  return {
    config,
    secrets,
    bucket: path.join(directory, "bucket.env"),
    signingKey: path.join(directory, "signing-key"),
    pushToken: path.join(directory, "push-token"),
    adminToken: path.join(directory, "admin-token"),
    tokenList: tokenList === undefined ? (ownList ?? defaultTokenFile(context)) : given(tokenList),
  };
}

function placeOfSecrets(name: string, context: Pick<ProcessContext, "env">): string {
  const config = configHome(context.env);
  if (config === undefined) {
    throw new UsageError(
      "HOME is not set, so the place of the secrets is unknown. Name it with --secrets-file",
    );
  }
  return path.join(config, "nargate", name, "secrets.env");
}

/** Throws if a file with secrets would lie in this repository, from where it is easily published. */
async function refuseInRepository(file: string): Promise<void> {
  const repository = await realpath(path.dirname(CONFIG_FILE));
  const inside = path.relative(repository, await realPlace(file));
  const isIgnored = inside.startsWith(`.nargate${path.sep}`);
  if (isIgnored || inside.startsWith("..") || path.isAbsolute(inside)) return;
  throw new UsageError(
    `${file} lies in this repository, where secrets are easily committed. Name a file outside it`,
  );
}

/** Returns the real path of a file that may not exist yet, nor its folders. */
async function realPlace(file: string): Promise<string> {
  const parent = path.dirname(file);
  if (parent === file) return file;
  return await realpath(file).catch(async () =>
    path.join(await realPlace(parent), path.basename(file)),
  );
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new UsageError(`cannot read ${file}: ${code}`);
  }
}
