import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { createSpool, createSpoolMemory, type Spool } from "../../../src/client/push/spool.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";

const CHUNKS = Array.from({ length: 5 }, () => randomBytes(100_000));
const ALL = Buffer.concat(CHUNKS);

async function read(spool: Spool, start: number, end: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of spool.slice(start, end).open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("createSpool", () => {
  it.each([
    { what: "in memory", limit: 1e9 },
    { what: "in a file from the start", limit: 0 },
    { what: "that goes to a file when memory is used up", limit: 250_000 },
  ])("gives back any slice of what it holds $what", async ({ limit }) => {
    const directory = await temporaryDirectory();
    const memory = createSpoolMemory(limit);
    const spool = createSpool({ memory, directory, expectedBytes: 1 });
    for (const chunk of CHUNKS) await spool.write(chunk);
    expect(spool.sizeBytes).toBe(ALL.byteLength);
    expect(await read(spool, 0, ALL.byteLength)).toEqual(ALL);
    expect(await read(spool, 99_999, 300_001)).toEqual(ALL.subarray(99_999, 300_001));
    expect(await read(spool, 99_999, 300_001)).toEqual(ALL.subarray(99_999, 300_001));
    expect(spool.slice(10, 30).sizeBytes).toBe(20);
    await spool.close();
    // All memory is free again.
    expect(memory.take(limit)).toBe(true);
  });

  it("leaves no name in the directory, so that nothing stays behind a kill", async () => {
    const directory = await temporaryDirectory();
    const spool = createSpool({ memory: createSpoolMemory(0), directory, expectedBytes: 1 });
    await spool.write(ALL);
    expect(await readdir(directory)).toEqual([]);
    await spool.close();
  });

  it("says which directory cannot be written to", async () => {
    const directory = path.join(await temporaryDirectory(), "absent");
    const spool = createSpool({ memory: createSpoolMemory(0), directory, expectedBytes: 1 });
    await expect(spool.write(ALL)).rejects.toThrow(
      `cannot write temporary files in ${directory}: ENOENT. Set TMPDIR`,
    );
  });
});
