import type { FileSlice } from "../answer.ts";

// Large enough that a NAR is bound by the disk, small enough for hundreds at once.
const CHUNK_BYTES = 256 * 1024;

/** Reads a slice of a file chunk by chunk, and closes the file. */
export async function* readFileSlice(slice: FileSlice): AsyncGenerator<Uint8Array> {
  const { file, start, length } = slice;
  try {
    let position = start;
    const end = start + length;
    while (position < end) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, position);
      if (bytesRead === 0) throw new Error(`the file ends ${end - position} bytes early`);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
