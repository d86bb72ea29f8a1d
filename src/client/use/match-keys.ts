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
