/** Returns the NAR of a file that is not executable (libutil/archive.cc). */
export function formatFileNar(contents: string): Buffer {
  return formatWords("nix-archive-1", "(", "type", "regular", "contents", contents, ")");
}

/**
 * Returns words as a NAR has them. Each word has its length in front, as eight
 * bytes, and zeros behind, up to a multiple of eight bytes (libutil/serialise.cc).
 */
export function formatWords(...words: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    words.map((word) => {
      const bytes = Buffer.from(word);
      const padded = Buffer.alloc(8 + bytes.byteLength + paddingOf(bytes.byteLength));
      padded.writeBigUInt64LE(BigInt(bytes.byteLength));
      bytes.copy(padded, 8);
      return padded;
    }),
  );
}

/** Returns the number of zeros that a NAR has behind a word of this length. */
export function paddingOf(lengthBytes: number): number {
  return (8 - (lengthBytes % 8)) % 8;
}
