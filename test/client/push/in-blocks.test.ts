import zlib from "node:zlib";
import { pipeline } from "node:stream/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inBlocks } from "../../../src/client/push/compress-nar.ts";

async function* inChunks(bytes: Uint8Array, sizes: readonly number[]) {
  for (let start = 0, index = 0; start < bytes.byteLength; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    yield bytes.subarray(start, start + size);
    start += size;
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<readonly Buffer[]> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return all;
}

const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });

describe("inBlocks", () => {
  it("gives the same bytes in blocks of one size, and a shorter last one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), sizes, async (bytes, chunkSizes) => {
        const blocks = await collect(inBlocks(inChunks(bytes, chunkSizes), 16));
        expect(Buffer.concat(blocks)).toEqual(Buffer.from(bytes));
        const lengths = blocks.map((block) => block.byteLength);
        expect(lengths.slice(0, -1).every((length) => length === 16)).toBe(true);
        expect(lengths.at(-1) ?? 1).toBeGreaterThan(0);
        expect(lengths.at(-1) ?? 1).toBeLessThanOrEqual(16);
      }),
    );
  });

  it("has zstd make the same file however a pipe cuts the NAR", async () => {
    const lines = Array.from(
      { length: 40_000 },
      (_, line) => `line ${line} of ${(line * 7919) % 397}\n`,
    );
    const nar = Buffer.from(lines.join(""));
    const compress = async (chunkSizes: readonly number[]) => {
      const compressor = zlib.createZstdCompress({ pledgedSrcSize: nar.byteLength });
      const file: Buffer[] = [];
      const blocks = inBlocks(inChunks(nar, chunkSizes));
      await pipeline(blocks, compressor, async (chunks) => {
        for await (const chunk of chunks) file.push(chunk as Buffer);
      });
      return Buffer.concat(file);
    };
    const whole = await compress([nar.byteLength]);
    // Without inBlocks, zstd makes other files from chunks of these sizes.
    for (const chunkSizes of [[777], [65_537, 1], [40_000, 3, 131_073], [131_071]]) {
      expect((await compress(chunkSizes)).equals(whole)).toBe(true);
    }
  });
});
