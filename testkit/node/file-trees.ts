import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { formatWords } from "../../src/client/local-nix/format-file-nar.ts";

/** A file as a NAR knows it. Names are bytes. */
export type FileTree =
  | { readonly type: "regular"; readonly contents: Uint8Array; readonly mode: number }
  | { readonly type: "symlink"; readonly target: Uint8Array }
  | { readonly type: "directory"; readonly entries: readonly TreeEntry[] };

export interface TreeEntry {
  readonly name: Uint8Array;
  readonly file: FileTree;
}

// Bytes that sort in another way as UTF-16, as signed numbers, or beside the end of a shorter name.
const NAME_BYTES = [..." !-.0129AZ_az~\n\u007f"].map((char) => char.charCodeAt(0));
const HIGH_BYTES = [0x80, 0xbf, 0xc3, 0xa9, 0xed, 0xf0, 0xff];

const bytesOf = (codes: readonly number[]) =>
  fc
    .array(fc.constantFrom(...codes), { minLength: 1, maxLength: 12 })
    .map((array) => Uint8Array.from(array));

const isName = (name: Uint8Array) => ![".", ".."].includes(Buffer.from(name).toString());

const WORDS = ["A", "a", "a.b", "a-b", "ab", "é", "😀", "\uffee", "__proto__", "10", "9", '"'];
const words = fc.constantFrom(...WORDS).map((text) => new TextEncoder().encode(text));

const MODES = [0o444, 0o555, 0o644, 0o755, 0o455, 0o4755, 0o2555, 0o464, 0o446, 0o100, 0o400];

/** Trees of files with every kind of file, mode and name. About half of the names are not UTF-8. */
export const fileTrees = treesWith(fc.oneof(bytesOf([...NAME_BYTES, ...HIGH_BYTES]), words));

/** Trees whose names are all UTF-8. */
export const textTrees = treesWith(fc.oneof(bytesOf(NAME_BYTES), words));

function treesWith(anyNames: fc.Arbitrary<Uint8Array>): fc.Arbitrary<FileTree> {
  const names = anyNames.filter(isName);
  const regular = fc.record({
    type: fc.constant("regular" as const),
    contents: fc.uint8Array({ maxLength: 100 }),
    mode: fc.constantFrom(...MODES),
  });
  const symlink = fc.record({ type: fc.constant("symlink" as const), target: names });
  return fc.letrec<{ tree: FileTree; directory: FileTree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      regular,
      symlink,
      tie("directory"),
    ),
    directory: fc.record({
      type: fc.constant("directory" as const),
      entries: fc.uniqueArray(fc.record({ name: names, file: tie("tree") }), {
        selector: ({ name }) => Buffer.from(name).toString("latin1"),
        maxLength: 6,
      }),
    }),
  })).tree;
}

/** Makes the files. The file of a name that was made before with the same bytes is a hard link to it. */
export function writeTree(at: Buffer, tree: FileTree, made = new Map<string, Buffer>()): void {
  if (tree.type === "symlink") return symlinkSync(Buffer.from(tree.target), at);
  if (tree.type === "directory") {
    mkdirSync(at);
    for (const { name, file } of tree.entries) {
      writeTree(Buffer.concat([at, Buffer.from("/"), name]), file, made);
    }
    return;
  }
  const id = `${tree.mode} ${Buffer.from(tree.contents).toString("hex")}`;
  const twin = made.get(id);
  if (twin !== undefined) return linkSync(twin, at);
  writeFileSync(at, tree.contents);
  chmodSync(at, tree.mode);
  made.set(id, at);
}

/** Returns the NAR of a tree, as Figure 5.2 of Dolstra's thesis defines it. */
export function formatNar(tree: FileTree): Buffer {
  return Buffer.concat([formatWords("nix-archive-1"), formatNode(tree)]);
}

function formatNode(tree: FileTree): Buffer {
  if (tree.type === "symlink")
    return formatWords("(", "type", "symlink", "target", tree.target, ")");
  if (tree.type === "regular") {
    const executable = (tree.mode & 0o100) === 0 ? [] : ["executable", ""];
    return formatWords("(", "type", "regular", ...executable, "contents", tree.contents, ")");
  }
  const sorted = tree.entries.toSorted((a, b) => Buffer.compare(a.name, b.name));
  const entries = sorted.flatMap(({ name, file }) => [
    formatWords("entry", "(", "name", name, "node"),
    formatNode(file),
    formatWords(")"),
  ]);
  return Buffer.concat([formatWords("(", "type", "directory"), ...entries, formatWords(")")]);
}
