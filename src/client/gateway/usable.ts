import type { GatewayFacts } from "../../api/answers.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import { parsePublicKey, type PublicKey } from "../../nix/signature.ts";
import { findTrust } from "../../nix/trust.ts";

/** The keys that Nix trusts without any setting (libstore/globals.hh). */
const DEFAULT_KEYS = ["cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="];

/** The facts of a cache that decide whether its clients accept a path. */
export type CacheKeys = Pick<GatewayFacts, "storeDir" | "publicKeys">;

/**
 * Whether a client that trusts the keys which the cache publishes, and Nix's own,
 * accepts the path: one of them signed it, or its content address gives the path.
 */
export async function isUsable(narinfo: Narinfo, cache: CacheKeys): Promise<boolean> {
  return (await findTrust(narinfo, cache.storeDir, trustedKeys(cache))) !== undefined;
}

/** Returns the keys that clients of a cache trust: its published keys, and the keys that Nix trusts by default. */
export function trustedKeys({ publicKeys }: Pick<CacheKeys, "publicKeys">): readonly PublicKey[] {
  return [...publicKeys, ...DEFAULT_KEYS].flatMap((text) => {
    const key = parsePublicKey(text);
    return key.ok ? [key.value] : [];
  });
}

/** Returns why clients do not accept a path that is not usable. */
export function whyUnusable({ publicKeys }: CacheKeys): string {
  return publicKeys.length === 0
    ? "this cache publishes no key, and no key of Nix itself signed it"
    : "no signature by a key that this cache publishes or that Nix trusts by default, and no content address";
}
