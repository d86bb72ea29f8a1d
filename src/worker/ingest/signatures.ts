import { computeStorePath, parseContentAddress } from "../../nix/content-address.ts";
import { formatFingerprint } from "../../nix/fingerprint.ts";
import { equalHashes } from "../../nix/hash.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import {
  hasMatchingPublicKey,
  parseSignature,
  type PublicKey,
  publicKeyOf,
  signMessage,
  verifySignature,
} from "../../nix/signature.ts";
import { equalStorePaths } from "../../nix/store-path.ts";
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

/** Whether one of `signatures` is a valid signature of `message` by one of `keys`. */
export async function isSignedByAny(
  message: string,
  signatures: readonly string[],
  keys: readonly PublicKey[],
): Promise<boolean> {
  for (const text of signatures) {
    const signature = parseSignature(text);
    if (!signature.ok) continue;
    for (const key of keys) {
      if (
        key.name === signature.value.keyName &&
        (await verifySignature(key, message, signature.value))
      ) {
        return true;
      }
    }
  }
  return false;
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

/** The reason why a client that trusts certain keys accepts a path. */
export type Trust =
  | "signed"
  /** The content address is the NAR's own hash and yields the path, so everything is proved. */
  | "proved"
  /** The content address yields the path, but it hashes contents that only the NAR has. The client checks them. */
  | "claimed";

export async function findTrust(
  narinfo: Narinfo,
  storeDir: string,
  keys: readonly PublicKey[],
): Promise<Trust | undefined> {
  const fingerprint = formatFingerprint(narinfo, storeDir);
  if (await isSignedByAny(fingerprint, narinfo.signatures, keys)) return "signed";
  return await trustByAddress(narinfo, storeDir);
}

async function trustByAddress(narinfo: Narinfo, storeDir: string): Promise<Trust | undefined> {
  if (narinfo.contentAddress === undefined) return undefined;
  const address = parseContentAddress(narinfo.contentAddress);
  if (!address.ok) return undefined;
  const { storePath, references, narHash } = narinfo;
  const computed = await computeStorePath(
    address.value,
    storePath.name,
    references,
    storeDir,
    storePath,
  );
  if (!computed.ok || computed.value.hash !== storePath.hash) return undefined;
  // A path that refers to itself is hashed with its own name blanked out.
  const refersToSelf = references.some((reference) => equalStorePaths(reference, storePath));
  const { method, hash } = address.value;
  if (method !== "nar" || hash.algorithm !== "sha256" || refersToSelf) return "claimed";
  return equalHashes(hash, narHash) ? "proved" : undefined;
}
