import { quoteForNix } from "../../nix/conf-lines.ts";
import type { askLocalNix } from "./ask-local-nix.ts";
import { matchKeys } from "./nix-settings.ts";

/** The facts about a cache that nix.conf and netrc need. */
export interface CacheUse {
  /** Without a final slash. */
  readonly url: string;
  readonly isPrivate: boolean;
  /** In Nix's format. */
  readonly publicKeys: readonly string[];
}

/** Returns the same settings for a NixOS or home-manager configuration, in one line. */
export function nixosSettings({ url, publicKeys }: CacheUse): string {
  const keys = publicKeys.map(quoteForNix).join(" ");
  return [
    `nix.settings.extra-substituters = [ ${quoteForNix(url)} ];`,
    ...(publicKeys.length === 0 ? [] : [`nix.settings.extra-trusted-public-keys = [ ${keys} ];`]),
  ].join(" ");
}

/** Returns the line for a netrc file. */
export function netrcLine({ url }: CacheUse, password: string): string {
  return `machine ${new URL(url).hostname} login nargate password ${password}`;
}

/** Returns the settings of `nixConfLines` by name, for JSON output. */
export function nixSettingsJson({ url, publicKeys }: CacheUse) {
  return { "extra-substituters": [url], "extra-trusted-public-keys": publicKeys, fallback: true };
}

type MaybeNix = Awaited<ReturnType<typeof askLocalNix>>;

/** Returns a sentence that says whether Nix would obey the lines in this user's own nix.conf. */
export function trustNote(nix: MaybeNix, userFile: string, systemFile: string): string {
  if ("reason" in nix) {
    return `Cannot ask Nix on this machine (${nix.reason}). In ${userFile} these lines work only if the Nix daemon trusts you.`;
  }
  const { isTrusted, isOwnStore, user } = nix.trust;
  if (isTrusted === false) {
    return `The Nix daemon does not trust ${user}, so it ignores these lines in ${userFile}. Put them into ${systemFile}, or add ${user} to trusted-users there, as root.`;
  }
  if (isTrusted === undefined) {
    return `Nix does not say whether its daemon trusts ${user}. If the daemon does not, these lines work only in ${systemFile}.`;
  }
  const reason = isOwnStore
    ? "This machine uses Nix without a daemon"
    : `The Nix daemon trusts ${user}`;
  return `${reason}, so these lines also work in ${userFile}. Use --write to put them there.`;
}

/** Returns sentences about problems that keep the cache from working for this user. */
export function cacheNotes(use: CacheUse, nix: MaybeNix): readonly string[] {
  const notes: string[] = [];
  if (use.publicKeys.length === 0) {
    notes.push(
      "This cache does not publish its public key, so Nix refuses most of its paths. Ask its operator to set PUBLIC_KEYS or SIGNING_KEY.",
    );
  }
  const trusted = "reason" in nix ? [] : nix.settings.trustedPublicKeys;
  for (const { name, state } of matchKeys(use.publicKeys, trusted)) {
    if (state === "another") {
      notes.push(
        `nix.conf has another key with the name ${name}, and Nix uses only one key of a name. Remove the old key.`,
      );
    }
  }
  return notes;
}

/** Returns the netrc line that the daemon needs for a private cache, with an explanation. */
export function netrcNote(use: CacheUse, netrcFile: string): string {
  return [
    `This cache is private: reading it needs a token. The Nix daemon runs as root and reads the token only from ${netrcFile}, not from your own netrc file. Put this line into that file (mode 600):`,
    "",
    netrcLine(use, "<token>"),
  ].join("\n");
}
