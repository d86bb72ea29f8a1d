import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BLOCK_BYTES,
  compressNar,
  compressSmallNar,
} from "../../../src/client/push/compress-nar.ts";

async function compressStream(nar: Uint8Array, level: number): Promise<Buffer> {
  const file: Uint8Array[] = [];
  async function* blocks() {
    yield nar;
  }
  await compressNar(blocks(), nar.byteLength, level, async (chunks) => {
    for await (const chunk of chunks) file.push(chunk);
  });
  return Buffer.concat(file);
}

const texts = fc
  .array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 300 })
  .chain((words) =>
    fc.array(fc.constantFrom(...words), { maxLength: 3000 }).map((list) => list.join(" ")),
  );

describe("compressSmallNar", () => {
  it("makes the same file as a stream, so that an upload of a former version continues", async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom(1, 3, 9, 19), async (text, level) => {
        const nar = Buffer.from(`nar ${text}`).subarray(0, BLOCK_BYTES);
        const small = compressSmallNar(nar, level);
        expect((await compressStream(nar, level)).equals(small)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("does so up to its longest NAR", async () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, line) => `line ${line} ${(line * 7919) % 397}\n`,
    );
    for (const bytes of [1, 1000, BLOCK_BYTES - 1, BLOCK_BYTES]) {
      const nar = Buffer.from(lines.join("")).subarray(0, bytes);
      expect(nar.byteLength).toBe(bytes);
      expect((await compressStream(nar, 3)).equals(compressSmallNar(nar, 3))).toBe(true);
    }
  });
});
