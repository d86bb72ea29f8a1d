import { createHash } from "node:crypto";
import { encodeNix32 } from "../../src/nix/encodings.ts";

/** Returns the 32 characters of a store path's hash. Made up, but always the same for an index. */
export function madeUpHash(index: number): string {
  return encodeNix32(createHash("sha1").update(`path ${index}`).digest());
}

/** Returns a path of a NAR. Its hash does not match any bytes; reads do not check it. */
export function madeUpNar(name: string): string {
  return `nar/${encodeNix32(createHash("sha256").update(name).digest())}.nar`;
}

/** Returns a narinfo of usual size, with ten references and two signatures. */
export function madeUpNarinfo(index: number): string {
  const hash = madeUpHash(index);
  const fileHash = encodeNix32(createHash("sha256").update(`file ${index}`).digest());
  const references = Array.from(
    { length: 10 },
    (_, reference) => `${madeUpHash(index + reference + 1)}-library-${reference}-1.${index}`,
  );
  const signature = createHash("sha512").update(hash).digest("base64");
  return `StorePath: /nix/store/${hash}-package-1.${index}
URL: nar/${fileHash}.nar.zst
Compression: zstd
FileHash: sha256:${fileHash}
FileSize: 123456
NarHash: sha256:${fileHash}
NarSize: 456789
References: ${references.join(" ")}
Deriver: ${madeUpHash(index + 1_000_000)}-package-1.${index}.drv
Sig: cache.example.org-1:${signature}
Sig: cache.example.org-2:${signature}
`;
}
