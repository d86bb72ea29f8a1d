import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { ClientError } from "../client-error.ts";
import { formatWords, paddingOf } from "./format-file-nar.ts";
import { createNarBlocks, type NarBlocks } from "./nar-blocks.ts";
import type { ListingWriter } from "./nar-listing.ts";
import { readContents } from "./read-contents.ts";

export interface DumpOptions {
  /** The size of the yielded blocks; the last block may be shorter. */
  readonly blockBytes: number;
  /** The size of the NAR in the store's database. */
  readonly expectedBytes: number;
  /** Learns of each file. */
  readonly listing: ListingWriter | undefined;
}

const START = formatWords("nix-archive-1");
const REGULAR = formatWords("(", "type", "regular", "contents");
const EXECUTABLE = formatWords("(", "type", "regular", "executable", "", "contents");
const SYMLINK = formatWords("(", "type", "symlink", "target");
const DIRECTORY = formatWords("(", "type", "directory");
const ENTRY = formatWords("entry", "(", "name");
const NODE = formatWords("node");
const END = formatWords(")");

/** A directory whose entries are not all written. */
interface OpenDirectory {
  readonly path: Buffer;
  readonly names: readonly Buffer[];
  next: number;
}

/**
 * Yields the NAR of a file, byte for byte as `nix-store --dump` writes it
 * (`dump` in libutil/archive.cc). Names are bytes: they need not be UTF-8.
 * Uses memory for a few blocks and for the names of the directories above the
 * current file, and one file handle.
 *
 * Small files are read synchronously, which takes a tenth of the time, at most one
 * block at a time. Throws the system's error if a file cannot be read, and
 * `ClientError` if a file changes meanwhile or is none that a NAR can hold.
 */
export async function* dumpPath(
  file: string,
  { blockBytes, expectedBytes, listing }: DumpOptions,
): AsyncGenerator<Uint8Array> {
  const blocks = createNarBlocks(blockBytes, expectedBytes);
  // Not a recursion, because directories may be nested deeper than the call stack allows.
  const open: OpenDirectory[] = [];
  blocks.put(START);
  yield* dumpNode(Buffer.from(file), blocks, open, listing);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const name = top.names[top.next++];
    if (name === undefined) {
      listing?.endDirectory();
      blocks.put(END);
      open.pop();
      if (open.length > 0) blocks.put(END);
    } else {
      listing?.entry(name);
      blocks.put(ENTRY);
      blocks.put(formatWords(name));
      blocks.put(NODE);
      const depth = open.length;
      yield* dumpNode(Buffer.concat([top.path, SLASH, name]), blocks, open, listing);
      if (open.length === depth) blocks.put(END);
    }
    yield* blocks.takeFull();
  }
  yield* blocks.takeRest();
}

const SLASH = Buffer.from("/");

/** Writes a file whole, or the beginning of a directory, which it adds to `open`. */
async function* dumpNode(
  path: Buffer,
  blocks: NarBlocks,
  open: OpenDirectory[],
  listing: ListingWriter | undefined,
): AsyncGenerator<Uint8Array> {
  const status = lstatSync(path);
  if (status.isDirectory()) {
    blocks.put(DIRECTORY);
    listing?.beginDirectory();
    open.push({ path, names: readNames(path), next: 0 });
  } else if (status.isSymbolicLink()) {
    const target = readlinkSync(path, { encoding: "buffer" });
    blocks.put(SYMLINK);
    blocks.put(formatWords(target));
    blocks.put(END);
    listing?.symlink(target);
  } else if (status.isFile()) {
    // Nix looks at the owner's bit alone.
    const isExecutable = (status.mode & constants.S_IXUSR) !== 0;
    blocks.put(isExecutable ? EXECUTABLE : REGULAR);
    blocks.put(formatLength(status.size));
    listing?.regular(status.size, isExecutable, blocks.position());
    yield* dumpContents(path, status.size, blocks);
    blocks.put(Buffer.alloc(paddingOf(status.size)));
    blocks.put(END);
  } else {
    throw new ClientError(
      `the file ${path.toString()} has an unsupported type: Nix stores only files, directories and symlinks`,
    );
  }
}

async function* dumpContents(
  path: Buffer,
  sizeBytes: number,
  blocks: NarBlocks,
): AsyncGenerator<Uint8Array> {
  // If the file has become a symlink or a pipe since lstat, O_NOFOLLOW and O_NONBLOCK keep this
  // process from following it or from waiting for a writer.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    yield* readContents({ fd, path, sizeBytes }, blocks);
  } finally {
    closeSync(fd);
  }
}

function formatLength(sizeBytes: number): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(sizeBytes));
  return length;
}

/** The ending that Nix gives a name on macOS if another name differs from it in case alone. */
const CASE_HACK = Buffer.from("~nix~case~hack~");

/** Returns the names in a directory, sorted by their bytes. */
function readNames(path: Buffer): readonly Buffer[] {
  const names = readdirSync(path, { encoding: "buffer" });
  if (process.platform === "darwin" && names.some((name) => name.includes(CASE_HACK))) {
    throw new NixNeeded("Nix may have renamed files of this directory");
  }
  return names.toSorted((a, b) => Buffer.compare(a, b));
}

/** The path has a file whose name in the NAR only Nix knows. */
class NixNeeded extends Error {}

/** Whether only Nix may be able to dump the path: this process cannot read one of its files. */
export function needsNix(error: unknown): boolean {
  return error instanceof NixNeeded || (error instanceof Error && "syscall" in error);
}
