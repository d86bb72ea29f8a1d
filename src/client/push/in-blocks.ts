/** The longest block of zstd (RFC 8878, 3.1.1.2.4). */
const BLOCK_BYTES = 128 * 1024;

/**
 * The same bytes in blocks of one size, the last one excepted. zstd looks for
 * repetitions as far as it was fed, so what it makes of a NAR depends on where
 * the chunks of a pipe happened to end.
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
