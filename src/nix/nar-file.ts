import { isNarExtension } from "./compression.ts";

/** Bytes of the head of a file that `looksLikeNarFile` needs. */
export const NAR_FILE_HEAD_BYTES = 32;

const ascii = (text: string): readonly number[] => [...text].map((char) => char.charCodeAt(0));

/** A length of 13 in eight bytes, and "nix-archive-1" (Nix, libutil/archive.cc). */
const NAR_MAGIC = [13, 0, 0, 0, 0, 0, 0, 0, ...ascii("nix-archive-1")];

const GZIP_MAGIC = [0x1f, 0x8b];
const LZMA_MAGIC = [0x5d, 0, 0];
const COMPRESS_MAGIC = [0x1f, 0x9d];
const LZOP_MAGIC = [0x89, ...ascii("LZO")];
const LRZIP_MAGIC = ascii("LRZI");

/** The first bytes of a compressed file, by the extension of the NAR. */
const MAGIC: ReadonlyMap<string, readonly (readonly number[])[]> = new Map([
  // Nix gives no extension to these compressions, nor to a NAR as it is.
  ["", [NAR_MAGIC, GZIP_MAGIC, LZMA_MAGIC, COMPRESS_MAGIC, LZOP_MAGIC, LRZIP_MAGIC]],
  [".xz", [[0xfd, ...ascii("7zXZ"), 0]]],
  [".bz2", [ascii("BZh")]],
  [".zst", [[0x28, 0xb5, 0x2f, 0xfd]]],
  [".lz4", [[0x04, 0x22, 0x4d, 0x18]]],
  [".lzip", [ascii("LZIP")]],
]);

/** Extensions whose format may begin with a skippable frame, 0x184D2A50 to 0x184D2A5F (RFC 8878, 3.1.2). */
const HAS_SKIPPABLE_FRAMES = new Set([".zst", ".lz4"]);

/** How the answers of other servers begin, as the error page of a proxy. */
const PAGES = ["<?xml", "<html", "<!doc", "<erro"];

/**
 * Whether the first bytes of a file can be those of a NAR with this extension.
 * `undefined` if that cannot be told: the extension is none that Nix uses. Brotli
 * has no magic bytes, so only an XML or HTML page is known to be none.
 */
export function looksLikeNarFile(extension: string, head: Uint8Array): boolean | undefined {
  if (!isNarExtension(extension)) return undefined;
  if (extension === ".br") return head.byteLength > 0 && !looksLikePage(head);
  if (HAS_SKIPPABLE_FRAMES.has(extension) && isSkippableFrame(head)) return true;
  return (MAGIC.get(extension) ?? []).some((magic) =>
    magic.every((byte, index) => head[index] === byte),
  );
}

function isSkippableFrame([first = 0, ...rest]: Uint8Array): boolean {
  return first >> 4 === 5 && [0x2a, 0x4d, 0x18].every((byte, index) => rest[index] === byte);
}

function looksLikePage(head: Uint8Array): boolean {
  const text = String.fromCharCode(...head.subarray(0, 5)).toLowerCase();
  return PAGES.includes(text);
}
