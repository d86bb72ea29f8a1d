import { mkdtempSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dumpPath } from "../../../src/client/local-nix/dump-path.ts";
import { createListingWriter } from "../../../src/client/local-nix/nar-listing.ts";
import { type FileTree, fileTrees, writeTree } from "../../../testkit/node/file-trees.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { errorOf, valueOf } from "../../../testkit/value-of.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const fileOf = (text: string, mode = 0o644): FileTree => ({
  type: "regular",
  contents: bytes(text),
  mode,
});

async function list(tree: FileTree, maxBytes = 1e6) {
  const file = path.join(mkdtempSync(path.join(await temporaryDirectory(), "tree-")), "x");
  writeTree(Buffer.from(file), tree);
  const listing = createListingWriter(maxBytes);
  const options = { blockBytes: 1000, expectedBytes: 1000, listing };
  const blocks: Uint8Array[] = [];
  for await (const block of dumpPath(file, options)) blocks.push(block);
  return { listing: listing.text(), nar: Buffer.concat(blocks) };
}

/** Returns every regular file that a listing tells of. */
function filesIn(node: unknown): readonly { size: number; narOffset: number }[] {
  const { type, entries, ...file } = node as { type: string; entries: object };
  if (type === "directory") return Object.values(entries).flatMap(filesIn);
  return type === "regular" ? [file as { size: number; narOffset: number }] : [];
}

function contentsOf(tree: FileTree): readonly string[] {
  if (tree.type === "regular") return [Buffer.from(tree.contents).toString("hex")];
  return tree.type === "directory" ? tree.entries.flatMap(({ file }) => contentsOf(file)) : [];
}

describe("createListingWriter", () => {
  it("lists each kind of file, in the order of the NAR", async () => {
    const entries = [
      { name: bytes("10"), file: fileOf("ten") },
      { name: bytes("9"), file: fileOf("", 0o755) },
      { name: bytes("__proto__"), file: { type: "directory", entries: [] } as const },
      { name: bytes('é"\n'), file: { type: "symlink", target: bytes("10") } as const },
    ];
    const { listing } = await list({ type: "directory", entries });
    expect(valueOf(listing)).toBe(
      '{"version":1,"root":{"type":"directory","entries":{' +
        '"10":{"type":"regular","size":3,"narOffset":232},' +
        '"9":{"type":"regular","size":0,"executable":true,"narOffset":456},' +
        '"__proto__":{"type":"directory","entries":{}},' +
        '"é\\"\\n":{"type":"symlink","target":"10"}}}}',
    );
  });

  it("lists a path that is a single file", async () => {
    const { listing } = await list(fileOf("hi"));
    expect(valueOf(listing)).toBe(
      '{"version":1,"root":{"type":"regular","size":2,"narOffset":96}}',
    );
  });

  it("gives the place of the contents of each file in the NAR, and no listing without UTF-8", async () => {
    await fc.assert(
      fc.asyncProperty(fileTrees, async (tree) => {
        const { listing, nar } = await list(tree);
        if (!listing.ok) return listing.error.includes("not UTF-8");
        const files = filesIn((JSON.parse(listing.value) as { root: unknown }).root);
        const found = files.map(({ size, narOffset }) =>
          nar.subarray(narOffset, narOffset + size).toString("hex"),
        );
        expect(found.toSorted()).toEqual(contentsOf(tree).toSorted());
        return true;
      }),
    );
  });

  it("gives up above its limit", async () => {
    const entries = Array.from({ length: 100 }, (_, index) => ({
      name: bytes(`file-${index}`),
      file: fileOf(""),
    }));
    const { listing } = await list({ type: "directory", entries }, 1000);
    expect(errorOf(listing)).toBe("it is larger than 1000 bytes");
  });
});
