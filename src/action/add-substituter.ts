import path from "node:path";
import { ClientError, describeError } from "../client/client-error.ts";
import { setNetrcPassword } from "../client/gateway/netrc.ts";
import { askLocalNix, type LocalNix } from "../client/use/ask-local-nix.ts";
import { type CacheUse, nixConfLines, nixosSettings } from "../client/use/cache-use.ts";
import {
  addToNixConf,
  appendLine,
  SUBSTITUTERS,
  systemNixConf,
  TRUSTED_KEYS,
  userNixConf,
} from "../client/use/nix-conf.ts";
import { type NixSettings, readNixSettings } from "../client/use/nix-settings.ts";
import { findStoreTarget } from "../client/use/replace-file.ts";
import type { ActionContext } from "./action-context.ts";
import { changeFile, type FileChange, OWN_FILES } from "./change-file.ts";
import { createRootFiles, restartDaemon, runTool } from "./root-access.ts";

export interface Substituter {
  readonly use: CacheUse;
  /** For a private cache: what Nix shows it. */
  readonly token: string | undefined;
  readonly workDirectory: string;
  /** Told of each file that is about to be changed. */
  readonly onChange: (change: FileChange) => void;
}

/**
 * Has Nix pull from the cache, as root's daemon or as this user, and says how.
 * Throws a `ClientError` that says what to do where that cannot be had.
 */
export async function addSubstituter(
  substituter: Substituter,
  context: ActionContext,
): Promise<string> {
  const nix = await askLocalNix(context);
  if ("reason" in nix) throw new ClientError(nix.reason);
  return nix.trust.isTrusted === false
    ? await addForDaemon(substituter, nix, context)
    : await addForUser(substituter, nix, context);
}

/**
 * A user whom the daemon trusts hands it the settings of their own with every
 * command, so that they work at once.
 */
async function addForUser(
  { use, token, workDirectory, onChange }: Substituter,
  { settings }: LocalNix,
  context: ActionContext,
): Promise<string> {
  const netrc =
    token === undefined ? undefined : await writeOwnNetrc(use, token, settings, workDirectory);
  const edit = (text: string) => {
    const edited = editNixConf(text, use);
    return netrc === undefined ? edited : appendLine(edited, `netrc-file = ${netrc}`);
  };
  let told: string;
  try {
    const file = userNixConf(context);
    if ((await findStoreTarget(file)) !== undefined)
      throw new ClientError(`${file} is in the store`);
    const options = { files: OWN_FILES, workDirectory, isSecret: false, onChange };
    const change = await changeFile(file, edit, options);
    told = change === undefined ? `${file} says so already` : `by ${file}`;
    if (isInEffect(use, netrc, await readNixSettings(context))) return told;
    told = `by NIX_CONFIG, which stands above ${file}`;
  } catch (error) {
    told = `by NIX_CONFIG, since ${describeError(error)}`;
  }
  // It is read last of all, and may start a list anew.
  const NIX_CONFIG = edit(context.env["NIX_CONFIG"] ?? "").trimEnd();
  context.runner.exportVariable("NIX_CONFIG", NIX_CONFIG);
  const changed = await readNixSettings({ ...context, env: { ...context.env, NIX_CONFIG } });
  if (isInEffect(use, netrc, changed)) return told;
  throw new ClientError("Nix does not take what is added to its settings, neither there nor here");
}

/** The daemon takes from its own nix.conf alone, and reads that at its start. */
async function addForDaemon(
  { use, token, workDirectory, onChange }: Substituter,
  { settings, trust }: LocalNix,
  context: ActionContext,
): Promise<string> {
  const main = systemNixConf(context);
  const because = `the Nix daemon does not trust ${trust.user}`;
  if ((await findStoreTarget(main)) !== undefined) {
    throw new ClientError(`${because}, and NixOS makes ${main}; put there: ${nixosSettings(use)}`);
  }
  if (!(await runTool(["sudo", "-n", "true"], context)).isDone) {
    const lines = nixConfLines(use).join("; ");
    throw new ClientError(`${because}, and there is no sudo; put into ${main}: ${lines}`);
  }
  const files = createRootFiles(context);
  const file = await findEditable(main, await files.read(main));
  const options = { files, workDirectory, onChange };
  const change = await changeFile(file, (text) => editNixConf(text, use), {
    ...options,
    isSecret: false,
  });
  if (token !== undefined) {
    const { hostname } = new URL(use.url);
    const edit = (text: string) => setNetrcPassword(text, hostname, token);
    await changeFile(settings.netrcFile, edit, { ...options, isSecret: true });
  }
  // A netrc is read for every download.
  if (change === undefined) return `${file} says so already`;
  const restarted = await restartDaemon(context);
  if (restarted !== undefined) return `by ${file} and ${restarted}, since ${because}`;
  throw new ClientError(
    `${file} has the cache now, but the Nix daemon must be started anew to see it`,
  );
}

/** Installers that write nix.conf anew leave another file to its owner. */
async function findEditable(main: string, text = ""): Promise<string> {
  const included = /^[ \t]*!?include[ \t]+(\S*nix\.custom\.conf)[ \t]*$/m.exec(text)?.[1];
  return included === undefined ? main : path.resolve(path.dirname(main), included);
}

function editNixConf(text: string, { url, publicKeys }: CacheUse): string {
  return addToNixConf(addToNixConf(text, SUBSTITUTERS, [url]), TRUSTED_KEYS, publicKeys);
}

/**
 * Nix reads one netrc, so that this job's own takes along what the former one
 * says. It is the daemon's root who reads it, whose it need not be.
 */
async function writeOwnNetrc(
  { url }: CacheUse,
  token: string,
  { netrcFile }: NixSettings,
  workDirectory: string,
): Promise<string> {
  const former = (await OWN_FILES.read(netrcFile)) ?? "";
  const file = path.join(workDirectory, "netrc");
  const text = setNetrcPassword(former, new URL(url).hostname, token);
  await OWN_FILES.write(file, text, { isSecret: true });
  return file;
}

function isInEffect(use: CacheUse, netrc: string | undefined, settings: NixSettings): boolean {
  const { substituters, trustedPublicKeys, netrcFile } = settings;
  return (
    substituters.some((url) => url.replace(/\/$/, "") === use.url) &&
    use.publicKeys.every((key) => trustedPublicKeys.includes(key)) &&
    (netrc === undefined || netrcFile === netrc)
  );
}
