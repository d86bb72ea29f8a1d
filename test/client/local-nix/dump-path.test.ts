import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { dumpPath, needsNix } from "../../../src/client/local-nix/dump-path.ts";
import {
  type FileTree,
  formatNar,
  fileTrees,
  writeTree,
} from "../../../testkit/node/file-trees.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";

const BLOCK_BYTES = 128 * 1024;
const isLinux = process.platform === "linux";

function dump(file: string, blockBytes = BLOCK_BYTES) {
  return dumpPath(file, { blockBytes, expectedBytes: Infinity, listing: undefined });
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

async function dumpWhole(file: string): Promise<Buffer> {
  return Buffer.concat(await collect(dump(file)));
}

function regular(text: string | Buffer): FileTree {
  return { type: "regular", contents: Buffer.from(text), mode: 0o644 };
}

/** Returns the error that the dump throws. */
async function failureOf(chunks: AsyncIterable<Uint8Array>): Promise<Error> {
  try {
    await collect(chunks);
  } catch (error) {
    return error as Error;
  }
  throw new Error("the dump did not fail");
}

describe("dumpPath", () => {
  it("writes the NAR of any tree, in blocks of one size and a shorter last one", async () => {
    const root = await temporaryDirectory();
    const sizes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(BLOCK_BYTES));
    await fc.assert(
      fc.asyncProperty(fileTrees, sizes, fc.boolean(), async (tree, blockBytes, isExact) => {
        const file = path.join(mkdtempSync(path.join(root, "tree-")), "x");
        writeTree(Buffer.from(file), tree);
        const nar = formatNar(tree);
        const expectedBytes = isExact ? nar.byteLength : Infinity;
        const options = { blockBytes, expectedBytes, listing: undefined };
        const blocks = await collect(dumpPath(file, options));
        expect(Buffer.concat(blocks)).toEqual(nar);
        const size = Math.min(blockBytes, expectedBytes);
        expect(blocks.slice(0, -1).every(({ byteLength }) => byteLength === size)).toBe(true);
        expect(blocks.at(-1)?.byteLength).toBeLessThanOrEqual(size);
        expect(blocks.at(-1)?.byteLength).toBeGreaterThan(0);
      }),
    );
  });

  it("writes what nix-store 2.8 wrote for a tree", async () => {
    const root = await temporaryDirectory();
    mkdirSync(path.join(root, "x/d/empty"), { recursive: true });
    writeFileSync(path.join(root, "x/d/run"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(path.join(root, "x/empty"), "");
    writeFileSync(path.join(root, "x/Z"), "12345678");
    symlinkSync("../gone", path.join(root, "x/link"));
    const nar = await dumpWhole(path.join(root, "x"));
    // nix-store --dump x | sha256sum
    expect(createHash("sha256").update(nar).digest("hex")).toBe(
      "938f9953ac4d8e48245b26a48acf8c092ad5597c4ba83306b198e47d351604e1",
    );
  });

  it("reads large files and many files", { timeout: 30_000 }, async () => {
    const root = await temporaryDirectory();
    const contents = Buffer.alloc(700_001, "large ");
    const names = Array.from({ length: 5000 }, (_, index) => `file ${index}`);
    for (const name of names) writeFileSync(path.join(root, name), name, { mode: 0o644 });
    writeFileSync(path.join(root, "large"), contents, { mode: 0o644 });
    const entries = names.map((name) => ({ name: Buffer.from(name), file: regular(name) }));
    entries.push({ name: Buffer.from("large"), file: regular(contents) });
    expect((await dumpWhole(root)).equals(formatNar({ type: "directory", entries }))).toBe(true);
  });

  it.runIf(isLinux)(
    "writes the sizes of files above 4 GiB, and closes the file of which it read a part",
    async () => {
      const file = path.join(await temporaryDirectory(), "sparse");
      writeFileSync(file, "");
      truncateSync(file, 5e9);
      const before = readdirSync("/proc/self/fd").length;
      for await (const block of dump(file)) {
        expect(Buffer.from(block).readBigUInt64LE(88)).toBe(5_000_000_000n);
        break;
      }
      expect(readdirSync("/proc/self/fd")).toHaveLength(before);
    },
  );

  it.runIf(isLinux)("walks deep trees, and leaves those with too long paths to Nix", async () => {
    const root = await temporaryDirectory();
    const deep = "d/".repeat(1200);
    mkdirSync(path.join(root, "one", deep), { recursive: true });
    mkdirSync(path.join(root, "two", deep), { recursive: true });
    const nar = await dumpWhole(path.join(root, "one"));
    expect(nar.toString("latin1").match(/directory/g)).toHaveLength(1201);
    // A path of 4,800 bytes. Linux takes 4,096 at once.
    const end = path.join(root, "one", deep, "two");
    renameSync(path.join(root, "two"), end);
    onTestFinished(() => renameSync(end, path.join(root, "two")));
    const error = await failureOf(dump(path.join(root, "one")));
    expect(error).toMatchObject({ code: "ENAMETOOLONG" });
    expect(needsNix(error)).toBe(true);
  });

  it.each([
    { what: "a pipe", make: (file: string) => spawnSync("mkfifo", [file]) },
    {
      what: "a socket",
      async make(file: string) {
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(file, resolve));
        onTestFinished(() => void server.close());
      },
    },
  ])("refuses $what", async ({ make }) => {
    const root = await temporaryDirectory();
    await make(path.join(root, "odd"));
    const error = await failureOf(dump(root));
    expect(error.message).toContain(`${root}/odd has an unsupported type`);
    expect(needsNix(error)).toBe(false);
  });

  it.each([
    { what: "grows", change: (file: string) => appendFileSync(file, "x") },
    { what: "shrinks", change: (file: string) => truncateSync(file, 500_000) },
  ])("fails if a file $what while it is read", async ({ change }) => {
    const file = path.join(await temporaryDirectory(), "x");
    writeFileSync(file, Buffer.alloc(1_000_000));
    const blocks = dump(file);
    await blocks.next();
    change(file);
    expect((await failureOf(blocks)).message).toBe(`the file ${file} changed while it was read`);
  });

  it("fails if the path is removed meanwhile", async () => {
    const root = path.join(await temporaryDirectory(), "x");
    mkdirSync(root);
    writeFileSync(path.join(root, "a"), Buffer.alloc(1_000_000));
    writeFileSync(path.join(root, "b"), "");
    const blocks = dump(root);
    await blocks.next();
    rmSync(root, { recursive: true });
    expect(needsNix(await failureOf(blocks))).toBe(true);
  });
});
