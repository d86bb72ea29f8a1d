import { computeStorePath, parseContentAddress } from "../nix/content-address.ts";
import { formatFingerprint } from "../nix/fingerprint.ts";
import type { Narinfo } from "../nix/narinfo.ts";
import { parseSignature, type PublicKey, verifySignature } from "../nix/signature.ts";

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

/**
 * Whether a client that trusts `keys` would take this path: it is signed, or
 * its content address recomputes to its store path and so proves itself.
 */
export async function isTrusted(
  narinfo: Narinfo,
  storeDir: string,
  keys: readonly PublicKey[],
): Promise<boolean> {
  const fingerprint = formatFingerprint(narinfo, storeDir);
  if (await isSignedByAny(fingerprint, narinfo.signatures, keys)) return true;
  return await isContentAddressed(narinfo, storeDir);
}

async function isContentAddressed(narinfo: Narinfo, storeDir: string): Promise<boolean> {
  if (narinfo.contentAddress === undefined) return false;
  const address = parseContentAddress(narinfo.contentAddress);
  if (!address.ok) return false;
  const computed = await computeStorePath(
    address.value,
    narinfo.storePath.name,
    narinfo.references,
    storeDir,
    narinfo.storePath,
  );
  return computed.ok && computed.value.hash === narinfo.storePath.hash;
}
