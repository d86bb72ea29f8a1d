import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";

/** The size of the longest block of zstd (RFC 8878, 3.1.1.2.4). */
export const BLOCK_BYTES = 128 * 1024;

/**
 * Compresses a NAR with zstd. `blocks` must all have `BLOCK_BYTES`, but the last one.
 *
 * The file depends on the NAR, on the level, on `narSize` and on the sizes of the
 * blocks, and on nothing else, so a later run makes the same file and can continue
 * its upload. `compressSmallNar` makes the same file too.
 */
export async function compressNar(
  blocks: AsyncIterable<Uint8Array>,
  narSize: number,
  level: number,
  write: (chunks: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  await pipeline(blocks, zlib.createZstdCompress(zstdOptions(narSize, level)), write);
}

/**
 * Whether `compressSmallNar` may compress a NAR of this size. It takes 1 ms for a
 * block at level 3 and 6 ms at level 9, but 42 ms at level 19. Uploads stand still for
 * that time.
 */
export function isQuickToCompress(narSize: number, level: number): boolean {
  return narSize <= BLOCK_BYTES && level <= 9;
}

/**
 * Compresses a NAR of at most `BLOCK_BYTES` in this thread. For 4 KB this takes
 * 0.05 ms; to hand them to a thread of Node and back takes 0.4 ms.
 */
export function compressSmallNar(nar: Uint8Array, level: number): Uint8Array {
  return zlib.zstdCompressSync(nar, zstdOptions(nar.byteLength, level));
}

function zstdOptions(narSize: number, level: number) {
  return {
    chunkSize: Math.min(256 * 1024, Math.max(1024, narSize)),
    // With the size known, zstd uses small tables for a small NAR, which saves most of the work.
    pledgedSrcSize: narSize,
    params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
  };
}

/**
 * Yields the same bytes in blocks of equal size; the last block may be shorter.
 * The output of zstd depends on the sizes of its input chunks, and a pipe splits
 * a NAR into chunks differently each time. Equal blocks give equal output.
 */
export async function* inBlocks(
  chunks: AsyncIterable<Uint8Array>,
  blockBytes = BLOCK_BYTES,
): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let gathered = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (gathered + rest.byteLength >= blockBytes) {
      const missing = blockBytes - gathered;
      yield Buffer.concat([...pieces, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      pieces = [];
      gathered = 0;
    }
    if (rest.byteLength > 0) pieces.push(rest);
    gathered += rest.byteLength;
  }
  if (gathered > 0) yield Buffer.concat(pieces);
}
