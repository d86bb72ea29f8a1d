import type { WriteConfig } from "../../settings/config.ts";
import { CacheError } from "../cache-error.ts";
import {
  hasMatchingPublicKey,
  type PublicKey,
  publicKeyOf,
  type SecretKey,
  signMessage,
} from "../../nix/signature.ts";

// By key, once an isolate: the check costs two signatures.
const matching = new WeakMap<SecretKey, boolean>();

export function ownPublicKeys({ signingKey }: WriteConfig): readonly PublicKey[] {
  return signingKey === undefined ? [] : [publicKeyOf(signingKey)];
}

/** The gateway's own signature of `message`, where it has a key; as a list of none or one. */
export async function ownSignatures(
  message: string,
  { signingKey }: WriteConfig,
): Promise<readonly string[]> {
  if (signingKey === undefined) return [];
  const isMatching = matching.get(signingKey) ?? (await hasMatchingPublicKey(signingKey));
  matching.set(signingKey, isMatching);
  if (!isMatching) {
    throw new CacheError("misconfigured", "SIGNING_KEY has a public half that is not its own");
  }
  return [await signMessage(signingKey, message)];
}
