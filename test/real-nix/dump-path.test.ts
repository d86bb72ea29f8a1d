import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dumpPath } from "../../src/client/local-nix/dump-path.ts";
import { createListingWriter } from "../../src/client/local-nix/nar-listing.ts";
import { fileTrees, writeTree } from "../../testkit/node/file-trees.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";
import { createNixMachine, hasNix } from "../../testkit/nix/nix-client.ts";
import { valueOf } from "../../testkit/value-of.ts";

async function dump(file: string, listing = createListingWriter(1e7)): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const options = { blockBytes: 128 * 1024, expectedBytes: Infinity, listing };
  for await (const chunk of dumpPath(file, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function dumpByNix(file: string): Buffer {
  const args = ["--option", "use-case-hack", "false", "--dump", file];
  const { status, stdout, stderr } = spawnSync("nix-store", args, { maxBuffer: 1e9 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

describe.skipIf(!hasNix)("dumpPath beside nix-store --dump", () => {
  it("writes the same bytes for any tree", async () => {
    const root = await temporaryDirectory();
    await fc.assert(
      fc.asyncProperty(fileTrees, async (tree) => {
        const file = path.join(mkdtempSync(path.join(root, "tree-")), "x");
        writeTree(Buffer.from(file), tree);
        expect((await dump(file)).equals(dumpByNix(file))).toBe(true);
      }),
    );
  });

  it("writes the same bytes for 20,000 files, and for deep directories", async () => {
    const root = await temporaryDirectory();
    const many = path.join(root, "many");
    mkdirSync(many);
    for (let index = 0; index < 20_000; index++) writeFileSync(path.join(many, `${index}`), "");
    writeFileSync(path.join(many, "large"), Buffer.alloc(1_000_003, "x"));
    expect((await dump(many)).equals(dumpByNix(many))).toBe(true);
    const deep = path.join(root, "deep");
    mkdirSync(path.join(deep, "d/".repeat(1500)), { recursive: true });
    expect((await dump(deep)).equals(dumpByNix(deep))).toBe(true);
  });

  it("lists what nix copy lists with write-nar-listing", async () => {
    const root = await temporaryDirectory();
    const machine = await createNixMachine(root);
    // Of a tree whose names are not UTF-8, Nix writes a listing that is not JSON.
    const isText = (bytes: Uint8Array) => !Buffer.from(bytes).toString().includes("\ufffd");
    const trees = fc.sample(fileTrees, { numRuns: 200, seed: 14 });
    let compared = 0;
    for (const [index, tree] of trees.entries()) {
      if (tree.type !== "directory" || !tree.entries.every(({ name }) => isText(name))) continue;
      const source = path.join(root, `tree-${index}`);
      writeTree(Buffer.from(source), tree);
      const listing = createListingWriter(1e6);
      await dump(source, listing);
      const own = listing.text();
      if (!own.ok || compared++ === 12) continue;
      const storePath = await machine.run("nix-store", "--add", source);
      const cache = path.join(root, `cache-${index}`);
      await machine.run("nix", "copy", "--to", `file://${cache}?write-nar-listing=1`, storePath);
      const [name = ""] = readdirSync(cache).filter((one) => one.endsWith(".ls"));
      const theirs: unknown = JSON.parse(readFileSync(path.join(cache, name), "utf8"));
      expect(JSON.parse(valueOf(own))).toEqual(theirs);
    }
    expect(compared).toBeGreaterThan(5);
  });
});
