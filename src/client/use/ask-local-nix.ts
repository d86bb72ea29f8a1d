import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { promisify } from "node:util";
import { ClientError } from "../client-error.ts";
import { runNix } from "../local-nix/run-nix.ts";
import type { ProcessContext } from "../process-context.ts";
import { readField } from "../read-field.ts";
import { type NixSettings, readNixSettings, readSystemSettings } from "./nix-settings.ts";

/** The facts about Nix on this machine, for this user. */
export interface LocalNix {
  readonly trust: DaemonTrust;
  /**
   * The settings that take effect. For a user whom the daemon does not trust, these
   * are the daemon's settings.
   */
  readonly settings: NixSettings;
}

/** Asks Nix for its settings. Returns the reason if there is no Nix, or if it fails. */
export async function askLocalNix(
  context: ProcessContext,
): Promise<LocalNix | { readonly reason: string }> {
  try {
    const system = await readSystemSettings(context);
    const trust = await askDaemonTrust(context, system);
    const settings = trust.isTrusted === false ? system : await readNixSettings(context);
    return { trust, settings };
  } catch (error) {
    if (error instanceof ClientError) return { reason: error.message };
    throw error;
  }
}

/** The facts that decide whether Nix obeys this user's own nix.conf about caches. */
export interface DaemonTrust {
  /** Whether the daemon trusts the user. Undefined if this is unknown. */
  readonly isTrusted: boolean | undefined;
  /** Whether Nix opens the store itself, without a daemon. */
  readonly isOwnStore: boolean;
  readonly user: string;
}

/**
 * Finds out whether the daemon trusts this user. Nix 2.15 and later say it. For
 * an older Nix, this function checks whether there is a daemon, and whether
 * trusted-users names the user.
 */
export async function askDaemonTrust(
  context: ProcessContext,
  system: NixSettings,
): Promise<DaemonTrust> {
  const user = (await runId(["-un"], context)) || "you";
  const { url, isTrusted } = (await askStore(context)) ?? {
    url: await guessStore(context),
    isTrusted: undefined,
  };
  if (url === undefined) return { isTrusted, isOwnStore: false, user };
  const isOwnStore = !/^(?:daemon|unix:|ssh-ng:|tcp:)/.test(url);
  if (isTrusted !== undefined) return { isTrusted, isOwnStore, user };
  if (isOwnStore) return { isTrusted: true, isOwnStore, user };
  const groups = (await runId(["-Gn"], context)).split(/\s+/);
  return { isTrusted: isTrustedUser(system.trustedUsers, user, groups), isOwnStore, user };
}

/** Returns whether trusted-users names the user. Same rules as `matchUser` in Nix's daemon. */
export function isTrustedUser(
  trustedUsers: readonly string[],
  user: string,
  groups: readonly string[],
): boolean {
  return trustedUsers.some(
    (entry) =>
      entry === "*" || entry === user || (entry.startsWith("@") && groups.includes(entry.slice(1))),
  );
}

interface StoreInfo {
  readonly url: string;
  readonly isTrusted: boolean | undefined;
}

async function askStore(context: ProcessContext): Promise<StoreInfo | undefined> {
  for (const name of ["info", "ping"]) {
    const args = ["store", name, "--json"];
    const text = await runNix({ program: "nix", args }, context).catch(() => "");
    const info = parseStoreInfo(text);
    if (info !== undefined) return info;
  }
  return undefined;
}

async function canReach(file: string, mode: number): Promise<boolean> {
  return await access(file, mode).then(
    () => true,
    () => false,
  );
}

/**
 * Returns the store that Nix opens for "auto" (libstore/store-api.cc): a user who
 * may write to the state directory needs no daemon.
 */
async function guessStore({ env }: ProcessContext): Promise<string | undefined> {
  const remote = env["NIX_REMOTE"] ?? "";
  if (remote !== "" && remote !== "auto") return remote;
  const state = env["NIX_STATE_DIR"] ?? "/nix/var/nix";
  const socket = env["NIX_DAEMON_SOCKET_PATH"] ?? `${state}/daemon-socket/socket`;
  if (await canReach(state, constants.R_OK | constants.W_OK)) return "local";
  return (await canReach(socket, constants.F_OK)) ? "daemon" : undefined;
}

function parseStoreInfo(text: string): StoreInfo | undefined {
  let info: unknown;
  try {
    info = JSON.parse(text);
  } catch {
    return undefined;
  }
  const url = readField(info, "url");
  const trusted = readField(info, "trusted");
  if (typeof url !== "string") return undefined;
  // The first versions with this field print a number, later versions true or false.
  const isKnown = typeof trusted === "boolean" || typeof trusted === "number";
  return { url, isTrusted: isKnown ? Boolean(trusted) : undefined };
}

async function runId(args: readonly string[], { env, cwd }: ProcessContext): Promise<string> {
  return await promisify(execFile)("id", args, { env, cwd }).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
}
