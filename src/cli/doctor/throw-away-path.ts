import { createHash } from "node:crypto";
import { computeStorePath } from "../../nix/content-address.ts";
import { formatHash, type Hash } from "../../nix/hash.ts";
import { narKey } from "../../nix/object-key.ts";
import { formatStorePath, type StorePathHash } from "../../nix/store-path.ts";
import { formatFileNar } from "../../client/local-nix/format-file-nar.ts";

/** A store path that serves only the round trip, and the two objects that publish it. */
export interface ThrowAwayPath {
  readonly hash: StorePathHash;
  readonly storePath: string;
  /** Relative to the URL of the cache. */
  readonly narUrl: string;
  readonly nar: Buffer;
  readonly narinfo: string;
}

/**
 * Makes the store path of a text file that contains the UTC day. Every run of the
 * doctor on the same day makes the same path, so the cache gets one path a day. The
 * path is content-addressed, so a cache that requires signatures accepts it too.
 */
export async function makeThrowAwayPath(storeDir: string, now: Date): Promise<ThrowAwayPath> {
  const contents = `nargate doctor, ${now.toISOString().slice(0, 10)}\n`;
  const address = { method: "text", hash: sha256(contents) } as const;
  const path = await computeStorePath(address, "nargate-doctor", [], storeDir);
  if (!path.ok) throw new Error(path.error);
  const storePath = formatStorePath(path.value, storeDir);
  const nar = formatFileNar(contents);
  const narHash = sha256(nar);
  const narUrl = narKey(narHash, "none").path;
  const narinfo = [
    `StorePath: ${storePath}`,
    `URL: ${narUrl}`,
    "Compression: none",
    `FileHash: ${formatHash(narHash, "nix32")}`,
    `FileSize: ${nar.byteLength}`,
    `NarHash: ${formatHash(narHash, "nix32")}`,
    `NarSize: ${nar.byteLength}`,
    "References: ",
    `CA: text:${formatHash(address.hash, "nix32")}`,
    "",
  ].join("\n");
  return { hash: path.value.hash, storePath, narUrl, nar, narinfo };
}

function sha256(data: string | Buffer): Hash {
  return { algorithm: "sha256", bytes: createHash("sha256").update(data).digest() };
}
