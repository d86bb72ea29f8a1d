import type { askLocalNix } from "./ask-local-nix.ts";
import { matchKeys } from "./nix-settings.ts";

/** How a cache is used: what nix.conf and netrc need to say. */
export interface CacheUse {
  /** Without a final slash. */
  readonly url: string;
  readonly isPrivate: boolean;
  /** In Nix's format. */
  readonly publicKeys: readonly string[];
}

/** The lines for nix.conf. */
export function nixConfLines({ url, publicKeys }: CacheUse): readonly string[] {
  return [
    `extra-substituters = ${url}`,
    ...(publicKeys.length === 0 ? [] : [`extra-trusted-public-keys = ${publicKeys.join(" ")}`]),
    // A build goes on by building when the cache fails in the middle of it.
    "fallback = true",
  ];
}

/** The same for NixOS and home-manager, whose nix.conf is made from them, as one line. */
export function nixosSettings({ url, publicKeys }: CacheUse): string {
  const keys = publicKeys.map((key) => `"${key}"`).join(" ");
  return [
    `nix.settings.extra-substituters = [ "${url}" ];`,
    ...(publicKeys.length === 0 ? [] : [`nix.settings.extra-trusted-public-keys = [ ${keys} ];`]),
  ].join(" ");
}

/** The line for netrc. */
export function netrcLine({ url }: CacheUse, password: string): string {
  return `machine ${new URL(url).hostname} login nargate password ${password}`;
}

/** The settings of `nixConfLines` by name, for a program. */
export function nixSettingsJson({ url, publicKeys }: CacheUse) {
  return { "extra-substituters": [url], "extra-trusted-public-keys": publicKeys, fallback: true };
}

type MaybeNix = Awaited<ReturnType<typeof askLocalNix>>;

/** Whether the lines would do anything in this user's own nix.conf, in a sentence. */
export function trustNote(nix: MaybeNix, userFile: string, systemFile: string): string {
  if ("reason" in nix) {
    return `Nix cannot be asked here (${nix.reason}). In ${userFile} they work only for a user whom its daemon trusts.`;
  }
  const { isTrusted, isOwnStore, user } = nix.trust;
  if (isTrusted === false) {
    return `The Nix daemon does not trust ${user}, and ignores them in ${userFile}: they belong into ${systemFile}, or root adds ${user} to trusted-users there.`;
  }
  if (isTrusted === undefined) {
    return `Nix does not say whether its daemon trusts ${user}. If it does not, they work in ${systemFile} alone.`;
  }
  const reason = isOwnStore ? "There is no Nix daemon in between" : `The Nix daemon trusts ${user}`;
  return `${reason}, so they work in ${userFile} as well, where --write puts them.`;
}

/** What else a person should know before the cache works for them. */
export function cacheNotes(use: CacheUse, nix: MaybeNix): readonly string[] {
  const notes: string[] = [];
  if (use.publicKeys.length === 0) {
    notes.push(
      "Its operator has not said which public key signs it (PUBLIC_KEYS); without one Nix refuses most of its paths.",
    );
  }
  const trusted = "reason" in nix ? [] : nix.settings.trustedPublicKeys;
  for (const { name, state } of matchKeys(use.publicKeys, trusted)) {
    if (state === "another") {
      notes.push(
        `nix.conf has another key of the name ${name}, and Nix takes only one of them: remove the old one.`,
      );
    }
  }
  return notes;
}

/** What the daemon needs for a private cache. */
export function netrcNote(use: CacheUse, netrcFile: string): string {
  return [
    `Reading it needs a token. The Nix daemon, as root, looks for it in ${netrcFile} (mode 600) and never in yours:`,
    "",
    netrcLine(use, "<token>"),
  ].join("\n");
}
