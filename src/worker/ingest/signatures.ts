import {
  hasMatchingPublicKey,
  parseSignature,
  type PublicKey,
  publicKeyOf,
  signMessage,
  verifySignature,
} from "../../nix/signature.ts";
import type { PushSettings } from "../../settings/push-settings.ts";
import { CacheError } from "../cache-error.ts";
import type { Push } from "./push-context.ts";

/** Returns the gateway's own public key, as a list of none or one. */
export function ownPublicKeys({ signingKey }: PushSettings): readonly PublicKey[] {
  return signingKey === undefined ? [] : [publicKeyOf(signingKey)];
}

/** Signs `message` with the gateway's key. Returns an empty list if it has none. */
export async function ownSignatures(
  message: string,
  { rules, memory }: Pick<Push, "rules" | "memory">,
): Promise<readonly string[]> {
  const { signingKey } = rules;
  if (signingKey === undefined) return [];
  const isMatching =
    memory.hasMatchingPublicKey.get(signingKey) ?? (await hasMatchingPublicKey(signingKey));
  memory.hasMatchingPublicKey.set(signingKey, isMatching);
  if (!isMatching) {
    throw new CacheError("misconfigured", "SIGNING_KEY has a public half that is not its own");
  }
  return [await signMessage(signingKey, message)];
}

/**
 * Drops signatures that are certainly false: those by a key of `keys` that do not
 * verify. The gateway cannot judge signatures by other keys, so they stay. A
 * false signature would occupy its key's name for good, because the first
 * signature of each key stays.
 */
export async function withoutFalseSignatures(
  message: string,
  signatures: readonly string[],
  keys: readonly PublicKey[],
): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const text of signatures) {
    const signature = parseSignature(text);
    const key = signature.ok
      ? keys.find(({ name }) => name === signature.value.keyName)
      : undefined;
    const isFalse =
      signature.ok && key !== undefined && !(await verifySignature(key, message, signature.value));
    if (!isFalse) kept.push(text);
  }
  return kept;
}
