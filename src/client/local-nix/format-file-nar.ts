/**
 * Returns the NAR of a file that is not executable (libutil/archive.cc). A NAR is
 * a list of words. Each word has its length in front, as eight bytes, and zeros
 * behind, up to a multiple of eight bytes.
 */
export function formatFileNar(contents: string): Buffer {
  const words = ["nix-archive-1", "(", "type", "regular", "contents", contents, ")"];
  return Buffer.concat(
    words.map((word) => {
      const bytes = Buffer.from(word);
      const padded = Buffer.alloc(8 + Math.ceil(bytes.byteLength / 8) * 8);
      padded.writeBigUInt64LE(BigInt(bytes.byteLength));
      bytes.copy(padded, 8);
      return padded;
    }),
  );
}
