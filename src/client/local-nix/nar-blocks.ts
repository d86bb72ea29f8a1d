/** Gathers the bytes of a NAR in blocks of equal size; the last block may be shorter. */
export interface NarBlocks {
  /** The number of bytes so far. */
  position(): number;
  put(bytes: Uint8Array): void;
  /** Returns the free rest of the current block. Call `filled` after you wrote into it. */
  space(): Uint8Array;
  filled(lengthBytes: number): void;
  /** Returns the blocks that have become full since the last call. */
  takeFull(): readonly Uint8Array[];
  /** Returns all blocks that were not taken yet. The NAR is complete. */
  takeRest(): readonly Uint8Array[];
}

/**
 * Creates blocks. If the NAR is known to be small, its only block is as small.
 * Each block is new memory, so its reader may keep it.
 */
export function createNarBlocks(blockBytes: number, expectedBytes: number): NarBlocks {
  const sizeBytes = Math.max(1, Math.min(blockBytes, expectedBytes));
  let block = Buffer.allocUnsafe(sizeBytes);
  let used = 0;
  let before = 0;
  let full: Uint8Array[] = [];

  function filled(lengthBytes: number): void {
    used += lengthBytes;
    if (used < block.byteLength) return;
    full.push(block);
    before += used;
    block = Buffer.allocUnsafe(sizeBytes);
    used = 0;
  }

  function takeFull(): readonly Uint8Array[] {
    const taken = full;
    full = [];
    return taken;
  }

  return {
    position: () => before + used,
    put(bytes) {
      for (let done = 0; done < bytes.byteLength;) {
        const length = Math.min(bytes.byteLength - done, block.byteLength - used);
        block.set(bytes.subarray(done, done + length), used);
        done += length;
        filled(length);
      }
    },
    space: () => block.subarray(used),
    filled,
    takeFull,
    takeRest: () => [...takeFull(), ...(used === 0 ? [] : [block.subarray(0, used)])],
  };
}
