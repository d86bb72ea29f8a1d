import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dumpPath } from "../../src/client/local-nix/dump-path.ts";
import { createListingWriter } from "../../src/client/local-nix/nar-listing.ts";
import { fileTrees, textTrees, writeTree } from "../../testkit/node/file-trees.ts";
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
    const trees = fc.sample(textTrees, { numRuns: 60, seed: 14 });
    const nested = trees.filter((tree) => tree.type === "directory" && tree.entries.length > 1);
    expect(nested.length).toBeGreaterThan(5);
    for (const [index, tree] of nested.slice(0, 15).entries()) {
      const source = path.join(root, `tree-${index}`);
      writeTree(Buffer.from(source), tree);
      const listing = createListingWriter(1e6);
      await dump(source, listing);
      const storePath = await machine.run("nix-store", "--add", source);
      const cache = path.join(root, `cache-${index}`);
      await machine.run("nix", "copy", "--to", `file://${cache}?write-nar-listing=1`, storePath);
      const [name = ""] = readdirSync(cache).filter((one) => one.endsWith(".ls"));
      const theirs: unknown = JSON.parse(readFileSync(path.join(cache, name), "utf8"));
      expect(JSON.parse(valueOf(listing.text()))).toEqual(theirs);
    }
  });
});
