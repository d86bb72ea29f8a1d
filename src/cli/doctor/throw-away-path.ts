import { createHash } from "node:crypto";
import { computeStorePath } from "../../nix/content-address.ts";
import { encodeNix32 } from "../../nix/encodings.ts";
import { formatHash, type Hash } from "../../nix/hash.ts";
import { narKey } from "../../nix/object-key.ts";
import {
  formatStorePath,
  parseStorePathBaseName,
  type StorePathHash,
} from "../../nix/store-path.ts";
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

const CONTENTS = "nargate doctor\n";
const NAME = "nargate-doctor";

/**
 * Makes the path of the round trip. It is always the same one, so a cache holds one at
 * most. It is input-addressed, as nearly all paths are: clients accept it only with a
 * signature. A cache that demands signatures of its pushers refuses it; the
 * content-addressed one needs none.
 */
export async function makeThrowAwayPath(
  storeDir: string,
  kind: "input-addressed" | "content-addressed" = "input-addressed",
): Promise<ThrowAwayPath> {
  const nar = formatFileNar(CONTENTS);
  const narHash = sha256(nar);
  const address = { method: "text", hash: sha256(CONTENTS) } as const;
  const path =
    kind === "content-addressed"
      ? await computeStorePath(address, NAME, [], storeDir)
      : parseStorePathBaseName(`${encodeNix32(sha256(NAME).bytes.subarray(0, 20))}-${NAME}`);
  if (!path.ok) throw new Error(path.error);
  const storePath = formatStorePath(path.value, storeDir);
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
    ...(kind === "content-addressed" ? [`CA: text:${formatHash(address.hash, "nix32")}`] : []),
    "",
  ].join("\n");
  return { hash: path.value.hash, storePath, narUrl, nar, narinfo };
}

function sha256(data: string | Buffer): Hash {
  return { algorithm: "sha256", bytes: createHash("sha256").update(data).digest() };
}
