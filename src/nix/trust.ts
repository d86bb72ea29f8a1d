import { computeStorePath, type ContentAddress, parseContentAddress } from "./content-address.ts";
import { formatFingerprint } from "./fingerprint.ts";
import { equalHashes } from "./hash.ts";
import type { Narinfo } from "./narinfo.ts";
import { parseSignature, type PublicKey, verifySignature } from "./signature.ts";
import { equalStorePaths } from "./store-path.ts";

/** The reason why a client that trusts certain keys accepts a path. */
export type Trust =
  | "signed"
  /** The content address is the NAR's own hash and yields the path, so everything is proved. */
  | "proved"
  /** The content address yields the path, but it hashes contents that only the NAR has. The client checks them. */
  | "claimed";

/** What signatures and content addresses are about. A store's database has it too. */
type TrustedFields = Pick<
  Narinfo,
  "storePath" | "narHash" | "narSize" | "references" | "signatures" | "contentAddress"
>;

/**
 * Returns why a client that trusts `keys` accepts a path, as `ValidPathInfo::checkSignatures`
 * in Nix does. `undefined` if it does not.
 */
export async function findTrust(
  narinfo: TrustedFields,
  storeDir: string,
  keys: readonly PublicKey[],
): Promise<Trust | undefined> {
  const fingerprint = formatFingerprint(narinfo, storeDir);
  if (await isSignedByAny(fingerprint, narinfo.signatures, keys)) return "signed";
  return await trustByAddress(narinfo, storeDir);
}

/**
 * Returns the content address if it gives the path, and "false" if it does not or is
 * malformed. `undefined` if there is none.
 */
export async function readTrueAddress(
  { contentAddress, storePath, references }: TrustedFields,
  storeDir: string,
): Promise<ContentAddress | "false" | undefined> {
  if (contentAddress === undefined) return undefined;
  const address = parseContentAddress(contentAddress);
  if (!address.ok) return "false";
  const given = await computeStorePath(
    address.value,
    storePath.name,
    references,
    storeDir,
    storePath,
  );
  return given.ok && equalStorePaths(given.value, storePath) ? address.value : "false";
}

async function trustByAddress(
  narinfo: TrustedFields,
  storeDir: string,
): Promise<Trust | undefined> {
  const address = await readTrueAddress(narinfo, storeDir);
  if (address === undefined || address === "false") return undefined;
  const { storePath, references, narHash } = narinfo;
  // A path that refers to itself is hashed with its own name blanked out.
  const refersToSelf = references.some((reference) => equalStorePaths(reference, storePath));
  const { method, hash } = address;
  if (method !== "nar" || hash.algorithm !== "sha256" || refersToSelf) return "claimed";
  return equalHashes(hash, narHash) ? "proved" : undefined;
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
