import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { promisify } from "node:util";
import { ClientError } from "../client-error.ts";
import { runNix } from "../local-nix/run-nix.ts";
import type { ProcessContext } from "../process-context.ts";
import { readField } from "../read-field.ts";
import { type NixSettings, readNixSettings, readSystemSettings } from "./nix-settings.ts";

/** Nix on this machine, as this user has it. */
export interface LocalNix {
  readonly trust: DaemonTrust;
  /** What counts: of an untrusted user's own settings nothing does. */
  readonly settings: NixSettings;
}

/** Undefined where there is none, or it cannot be asked; `reason` is then told. */
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

/** Whether Nix does what this user's own nix.conf says about caches. */
export interface DaemonTrust {
  /** Undefined where nobody could be asked. */
  readonly isTrusted: boolean | undefined;
  /** Whether it is this user who reads the store, and not a daemon. */
  readonly isOwnStore: boolean;
  readonly user: string;
}

/**
 * Asks Nix, which since 2.15 knows whether its daemon trusts it. For an older
 * one: is there a daemon, and does trusted-users name this user?
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

/** As `matchUser` in libstore's daemon reads trusted-users. */
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

/** As Nix opens the store "auto" (libstore/store-api.cc): who may write there needs no daemon. */
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
  // A number in the first versions that told, and true or false later.
  const isKnown = typeof trusted === "boolean" || typeof trusted === "number";
  return { url, isTrusted: isKnown ? Boolean(trusted) : undefined };
}

async function runId(args: readonly string[], { env, cwd }: ProcessContext): Promise<string> {
  return await promisify(execFile)("id", args, { env, cwd }).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
}
