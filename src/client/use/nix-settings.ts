import { ClientError } from "../client-error.ts";
import { type NixSurroundings, runNix } from "../local-nix/run-nix.ts";
import { readField } from "../read-field.ts";

/** The settings of Nix on this machine that concern a cache. */
export interface NixSettings {
  readonly substituters: readonly string[];
  /** Substituters that every user may add, without being trusted. */
  readonly trustedSubstituters: readonly string[];
  readonly trustedPublicKeys: readonly string[];
  /** Names of users, `@group` for a group, and `*` for all users. */
  readonly trustedUsers: readonly string[];
  readonly netrcFile: string;
}

/**
 * Reads the settings that apply to this user. Throws a `ClientError` if there is
 * no Nix, or if it cannot print them.
 */
export async function readNixSettings(context: NixSurroundings): Promise<NixSettings> {
  let text: string;
  try {
    text = await runNix({ program: "nix", args: ["config", "show", "--json"] }, context);
  } catch {
    // The name of the command until Nix 2.20. If the first command failed because a setting is
    // wrong, this command fails with the same message.
    text = await runNix({ program: "nix", args: ["show-config", "--json"] }, context);
  }
  const settings = parseJson(text);
  return {
    substituters: readWords(settings, "substituters"),
    trustedSubstituters: readWords(settings, "trusted-substituters"),
    trustedPublicKeys: readWords(settings, "trusted-public-keys"),
    trustedUsers: readWords(settings, "trusted-users"),
    netrcFile: readWords(settings, "netrc-file").join(" "),
  };
}

/**
 * Reads the settings of the daemon: those of the system, without the files and
 * variables of this user.
 */
export async function readSystemSettings(context: NixSurroundings): Promise<NixSettings> {
  const { cwd, signal } = context;
  const env = { ...context.env, NIX_USER_CONF_FILES: "/dev/null", NIX_CONFIG: undefined };
  return await readNixSettings({ env, cwd, signal });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ClientError(
      "nargate does not understand the settings that nix prints: they are not JSON",
    );
  }
}

function readWords(settings: unknown, name: string): readonly string[] {
  const value = readField(readField(settings, name), "value");
  if (typeof value === "string") return value.split(/\s+/).filter((word) => word !== "");
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}

/** Whether a list of substituters has a cache. As for Nix, parameters and a final slash make no difference. */
export function hasCache(substituters: readonly string[], url: string): boolean {
  return substituters.some((one) => (one.split("?", 1)[0] ?? "").replace(/\/+$/, "") === url);
}

/** Whether Nix uses a cache, and trusts all keys that it publishes. */
export function usesCache(
  { substituters, trustedPublicKeys }: NixSettings,
  { url, publicKeys }: { readonly url: string; readonly publicKeys: readonly string[] },
): boolean {
  return hasCache(substituters, url) && publicKeys.every((key) => trustedPublicKeys.includes(key));
}

/** A key that the cache publishes, compared with the keys that Nix trusts. */
export interface KeyMatch {
  /** In Nix's format: `name:base64`. */
  readonly key: string;
  readonly name: string;
  /**
   * `another` means that Nix trusts a key of this name with other bytes. Nix uses
   * only one key of a name.
   */
  readonly state: "trusted" | "missing" | "another";
}

/** Compares the published keys with `trusted-public-keys`. */
export function matchKeys(
  published: readonly string[],
  trusted: readonly string[],
): readonly KeyMatch[] {
  return published.map((key) => {
    const name = key.slice(0, key.indexOf(":"));
    if (trusted.includes(key)) return { key, name, state: "trusted" };
    const isTaken = trusted.some((other) => other.startsWith(`${name}:`));
    return { key, name, state: isTaken ? "another" : "missing" };
  });
}
