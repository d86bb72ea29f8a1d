import { parseNix32 } from "./base32.ts";
import { formatDigest } from "./hash.ts";
import type { NarKey } from "./object-key.ts";

/** The SHA-256 that the name of a NAR promises, in lower-case hex; `undefined` where Nix writes no such name. */
export function narSha256(key: NarKey): string | undefined {
  const hash = key.writable && key.fileHash !== undefined ? parseNix32(key.fileHash) : undefined;
  if (hash === undefined || !hash.ok) return undefined;
  return formatDigest({ algorithm: "sha256", bytes: hash.value }, "base16");
}
