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
