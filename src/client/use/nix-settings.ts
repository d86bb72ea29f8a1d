import { ClientError } from "../client-error.ts";
import { type NixSurroundings, runNix } from "../local-nix/run-nix.ts";
import { readField } from "../read-field.ts";

/** What Nix on this machine is set to, as far as it concerns a cache. */
export interface NixSettings {
  readonly substituters: readonly string[];
  readonly trustedPublicKeys: readonly string[];
  /** Names, `@group`s, and `*` for everyone. */
  readonly trustedUsers: readonly string[];
  readonly netrcFile: string;
}

/** Throws a `ClientError` where there is no Nix, or its settings cannot be read. */
export async function readNixSettings(context: NixSurroundings): Promise<NixSettings> {
  let text: string;
  try {
    text = await runNix({ program: "nix", args: ["config", "show", "--json"] }, context);
  } catch {
    // Its name until Nix 2.20. If the settings themselves are wrong, this says so again.
    text = await runNix({ program: "nix", args: ["show-config", "--json"] }, context);
  }
  const settings = parseJson(text);
  return {
    substituters: readWords(settings, "substituters"),
    trustedPublicKeys: readWords(settings, "trusted-public-keys"),
    trustedUsers: readWords(settings, "trusted-users"),
    netrcFile: readWords(settings, "netrc-file").join(" "),
  };
}

/** The same without what this user's own files and environment add: what the daemon reads. */
export async function readSystemSettings(context: NixSurroundings): Promise<NixSettings> {
  const { cwd, signal } = context;
  const env = { ...context.env, NIX_USER_CONF_FILES: "/dev/null", NIX_CONFIG: undefined };
  return await readNixSettings({ env, cwd, signal });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ClientError("nix does not show its settings as JSON");
  }
}

function readWords(settings: unknown, name: string): readonly string[] {
  const value = readField(readField(settings, name), "value");
  if (typeof value === "string") return value.split(/\s+/).filter((word) => word !== "");
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}

/** What Nix knows of one key that the cache publishes. */
export interface KeyMatch {
  /** As published: `name:base64`. */
  readonly key: string;
  readonly name: string;
  /** "another": a key of this name with other bytes, and Nix takes one of them alone. */
  readonly state: "trusted" | "missing" | "another";
}

/** Holds the published keys against `trusted-public-keys`. */
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
