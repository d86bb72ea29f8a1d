/** A cache, as the settings of Nix name it. */
interface NamedCache {
  /** Without a final slash. */
  readonly url: string;
  /** In Nix's format. */
  readonly publicKeys: readonly string[];
}

/** Returns the lines for nix.conf. */
export function nixConfLines({ url, publicKeys }: NamedCache): readonly string[] {
  return [
    `extra-substituters = ${url}`,
    ...(publicKeys.length === 0 ? [] : [`extra-trusted-public-keys = ${publicKeys.join(" ")}`]),
    // With this setting Nix builds a path itself if the cache fails while it downloads the path.
    "fallback = true",
  ];
}

/** Returns a string of the Nix language. A cache chooses the names of its keys. */
export function quoteForNix(text: string): string {
  return `"${text.replace(/["\\]|\$(?=\{)/g, "\\$&")}"`;
}
