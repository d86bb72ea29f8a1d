import { computeStorePath, parseContentAddress } from "../../nix/content-address.ts";
import { formatFingerprint } from "../../nix/fingerprint.ts";
import { equalHashes } from "../../nix/hash.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import { parseSignature, type PublicKey, verifySignature } from "../../nix/signature.ts";
import { equalStorePaths } from "../../nix/store-path.ts";

/** Whether one of `signatures` is a valid one of `message` by one of `keys`. */
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
 * The signatures that may be true ones: those by a key of `keys` must verify,
 * for others nobody here can tell. Kept, a false one would hold its key's name
 * for good, since the first signature of a key stays.
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

/** Why a client that trusts certain keys would take a path. */
export type Trust =
  | "signed"
  /** The address is the NAR's own hash and gives the path: everything is proved. */
  | "proved"
  /** The address gives the path, but what it hashes is only in the NAR, which the client will check. */
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
