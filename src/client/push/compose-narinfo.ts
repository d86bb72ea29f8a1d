import { formatFingerprint } from "../../nix/fingerprint.ts";
import { formatHash } from "../../nix/hash.ts";
import { mergeSignatures } from "../../nix/signature.ts";
import { type Narinfo, parseNarinfo, withSignatures } from "../../nix/narinfo.ts";
import { type SecretKey, signMessage } from "../../nix/signature.ts";
import { formatStorePath, formatStorePathBaseName } from "../../nix/store-path.ts";
import { ClientError } from "../client-error.ts";
import type { PathInfo } from "../local-nix/path-info.ts";
import type { PackedNar } from "./pack-nar.ts";

type NarFile = Pick<PackedNar, "key" | "compression" | "fileHash" | "fileSize">;

/**
 * Returns the narinfo that Nix would write for a path (`NarInfo::to_string` in
 * libstore/nar-info.cc), with the signatures from the store's database.
 */
export function composeNarinfo(info: PathInfo, file: NarFile, storeDir: string): Narinfo {
  const lines = [
    ["StorePath", formatStorePath(info.path, storeDir)],
    ["URL", file.key.path],
    ["Compression", file.compression],
    ["FileHash", formatHash(file.fileHash, "nix32")],
    ["FileSize", String(file.fileSize)],
    ["NarHash", formatHash(info.narHash, "nix32")],
    ["NarSize", String(info.narSize)],
    ["References", info.references.map(formatStorePathBaseName).join(" ")],
    ...(info.deriver === undefined ? [] : [["Deriver", formatStorePathBaseName(info.deriver)]]),
    ...info.signatures.map((signature) => ["Sig", signature]),
    ...(info.contentAddress === undefined ? [] : [["CA", info.contentAddress]]),
  ];
  const text = lines.map(([name, value]) => `${name}: ${value}\n`).join("");
  const narinfo = parseNarinfo(text, storeDir);
  if (!narinfo.ok)
    throw new ClientError(
      `the store's database entry for this path is not valid, so it cannot be published: ${narinfo.error}`,
    );
  return narinfo.value;
}

/** Returns the narinfo with a signature of `key` added, unless it has one with this key name. */
export async function signNarinfo(
  narinfo: Narinfo,
  key: SecretKey,
  storeDir: string,
): Promise<Narinfo> {
  const own = await signMessage(key, formatFingerprint(narinfo, storeDir));
  return withSignatures(narinfo, mergeSignatures(narinfo.signatures, [own]));
}

/** Returns whether a signature has the name of this key. It does not verify the signature. */
export function isSignedBy(signatures: readonly string[], keyName: string): boolean {
  return signatures.some((signature) => signature.startsWith(`${keyName}:`));
}
