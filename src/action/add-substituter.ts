import path from "node:path";
import { ClientError, describeError } from "../client/client-error.ts";
import { setNetrcPassword } from "../client/gateway/netrc.ts";
import { askLocalNix, type LocalNix } from "../client/use/ask-local-nix.ts";
import { type CacheUse, nixosSettings } from "../client/use/cache-use.ts";
import { nixConfLines } from "../nix/conf-lines.ts";
import {
  addToNixConf,
  appendLine,
  editableNixConf,
  SUBSTITUTERS,
  systemNixConf,
  TRUSTED_KEYS,
  userNixConf,
} from "../client/use/nix-conf.ts";
import {
  hasCache,
  type NixSettings,
  readNixSettings,
  usesCache,
} from "../client/use/nix-settings.ts";
import { findStoreTarget } from "../client/replace-file.ts";
import type { ActionContext } from "./action-context.ts";
import { changeFile, type FileChange, OWN_FILES } from "./change-file.ts";
import { createRootFiles, restartDaemon, runTool } from "./root-access.ts";

export interface Substituter {
  readonly use: CacheUse;
  /** The token that Nix sends to a private cache. */
  readonly token: string | undefined;
  /** The directory of this job, which the last step removes. */
  readonly workDirectory: string;
  /** Called for each file just before it is changed. */
  readonly onChange: (change: FileChange) => void;
}

/**
 * Makes Nix pull from the cache: by this user's settings if the daemon trusts the
 * user, and otherwise by the daemon's settings. Returns the place of the settings,
 * for the log. Throws a `ClientError` that says what to do if this fails.
 */
export async function addSubstituter(
  substituter: Substituter,
  context: ActionContext,
): Promise<string> {
  const nix = await askLocalNix(context);
  if ("reason" in nix) throw new ClientError(nix.reason);
  if (nix.trust.isTrusted !== false) return await addForUser(substituter, nix, context);
  // The daemon's own settings may have the cache already, or let every user add it.
  // The token of a private cache has to be written all the same.
  const { use, token } = substituter;
  const { substituters, trustedSubstituters, trustedPublicKeys } = nix.settings;
  const isTrustedKey = use.publicKeys.every((key) => trustedPublicKeys.includes(key));
  if (token === undefined && isTrustedKey) {
    if (hasCache(substituters, use.url)) return `${systemNixConf(context)} already has the cache`;
    if (hasCache(trustedSubstituters, use.url)) return await addForUser(substituter, nix, context);
  }
  return await addForDaemon(substituter, nix, context);
}

/**
 * Adds the cache to the user's own nix.conf, or to NIX_CONFIG. Nix sends the
 * settings of a trusted user to the daemon with every command, so they take
 * effect at once.
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
  let place: string;
  try {
    const file = await userNixConf(context);
    if ((await findStoreTarget(file)) !== undefined)
      throw new ClientError(`${file} is in the Nix store`);
    const options = { files: OWN_FILES, workDirectory, isSecret: false, onChange };
    const change = await changeFile(file, edit, options);
    place = change === undefined ? `${file} already has the cache` : `added to ${file}`;
    if (isInEffect(use, netrc, await readNixSettings(context))) return place;
    place = `added to NIX_CONFIG, which overrides ${file}`;
  } catch (error) {
    place = `added to NIX_CONFIG, because of this problem: ${describeError(error)}`;
  }
  // Nix reads NIX_CONFIG after all files. It may already have a list that replaces the list in the
  // files.
  const NIX_CONFIG = edit(context.env["NIX_CONFIG"] ?? "").trimEnd();
  context.runner.exportVariable("NIX_CONFIG", NIX_CONFIG);
  const changed = await readNixSettings({ ...context, env: { ...context.env, NIX_CONFIG } });
  if (isInEffect(use, netrc, changed)) return place;
  throw new ClientError(
    "Nix ignores the cache both in nix.conf and in NIX_CONFIG. Run nix config show in this job to find the setting that overrides it",
  );
}

/**
 * Adds the cache to the daemon's nix.conf, and restarts the daemon, because it
 * reads this file only when it starts.
 */
async function addForDaemon(
  { use, token, workDirectory, onChange }: Substituter,
  { settings, trust }: LocalNix,
  context: ActionContext,
): Promise<string> {
  const main = systemNixConf(context);
  const because = `the Nix daemon does not trust ${trust.user}`;
  if ((await findStoreTarget(main)) !== undefined) {
    throw new ClientError(
      `${because}, and NixOS makes ${main}. Put this into the NixOS configuration: ${nixosSettings(use)}`,
    );
  }
  if (!(await runTool(["sudo", "-n", "true"], context)).isDone) {
    const lines = nixConfLines(use).join("; ");
    throw new ClientError(
      `${because}, and this job cannot use sudo. Put these lines into ${main}: ${lines}`,
    );
  }
  const files = createRootFiles(context);
  const file = editableNixConf(main, (await files.read(main)) ?? "");
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
  // A new token needs no restart, because Nix reads the netrc file for every download.
  if (change === undefined) return `${file} already has the cache`;
  const restarted = await restartDaemon(context);
  if (restarted !== undefined)
    return `added to ${file}, and restarted the daemon (${restarted}), because ${because}`;
  throw new ClientError(
    `${file} now has the cache, but the Nix daemon could not be restarted. Restart it in a step of this job`,
  );
}

function editNixConf(text: string, { url, publicKeys }: CacheUse): string {
  return addToNixConf(addToNixConf(text, SUBSTITUTERS, [url]), TRUSTED_KEYS, publicKeys);
}

/**
 * Writes the netrc file of this job. Nix reads only one netrc file, so the new
 * file begins with the content of the file that Nix used before. The daemon runs
 * as root, so it can read a file of this user.
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

/** Returns whether Nix uses the cache, its keys and the netrc file. */
function isInEffect(use: CacheUse, netrc: string | undefined, settings: NixSettings): boolean {
  return usesCache(settings, use) && (netrc === undefined || settings.netrcFile === netrc);
}
