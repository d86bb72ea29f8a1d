import type { GatewayFacts } from "../../api/answers.ts";
import { findTrust } from "../../nix/trust.ts";
import { formatPublicKey, parsePublicKey, publicKeyOf } from "../../nix/signature.ts";
import { trustedKeys } from "../gateway/usable.ts";
import type { Pending } from "./choose-paths.ts";
import type { PushSession } from "./push-session.ts";

/**
 * Returns the base names of the paths that clients will not accept after this push:
 * nobody signs them with a key that the cache publishes, or that Nix trusts by
 * default. Empty for a gateway of version 0.1, which does not say whether it signs.
 */
export async function findUnusable(
  pending: readonly Pending[],
  { facts, options, store }: Pick<PushSession, "facts" | "options" | "store">,
): Promise<ReadonlySet<string>> {
  const { signKey } = options;
  const { signingKeys, publicKeys } = facts;
  if (signingKeys === undefined || signingKeys.length > 0) return new Set();
  const own = signKey === undefined ? undefined : formatPublicKey(publicKeyOf(signKey));
  if (own !== undefined && publicKeys.includes(own)) return new Set();
  const keys = trustedKeys(facts);
  const unusable = new Set<string>();
  for (const { id, info, choice } of pending) {
    if (choice.kind !== "push") continue;
    const narinfo = { ...info, storePath: info.path };
    if ((await findTrust(narinfo, store.storeDir, keys)) === undefined) unusable.add(id);
  }
  return unusable;
}

/** Returns the warning about such paths, and what to do. */
export function describeUnusable(
  count: number,
  { publicKeys }: Pick<GatewayFacts, "publicKeys">,
): string {
  const names = publicKeys.flatMap((text) => {
    const key = parsePublicKey(text);
    return key.ok ? [key.value.name] : [];
  });
  const paths = count === 1 ? "1 of these paths" : `${count} of these paths`;
  const remedy = "Use --sign-key, or let the gateway sign (SIGNING_KEY)";
  return names.length === 0
    ? `nobody can pull ${paths} with signatures checked: this cache publishes no key, and does not sign. ${remedy}`
    : `nobody who trusts ${names.join(" or ")} can pull ${paths}: they have no signature of that key, and the cache does not sign. ${remedy}`;
}
