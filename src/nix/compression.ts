/**
 * The names of all compressions that Nix knows (libutil/compression-algo.hh,
 * 2.36). Nix can read all of them, and write only some.
 */
const COMPRESSIONS: ReadonlySet<string> = new Set([
  "none",
  "br",
  "bzip2",
  "compress",
  "grzip",
  "gzip",
  "lrzip",
  "lz4",
  "lzip",
  "lzma",
  "lzop",
  "xz",
  "zstd",
]);

/**
 * The file extensions of NARs, by compression. Nix gives no extension to the
 * other compressions, such as gzip (libstore/binary-cache-store.cc).
 */
const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["xz", ".xz"],
  ["bzip2", ".bz2"],
  ["zstd", ".zst"],
  ["lzip", ".lzip"],
  ["lz4", ".lz4"],
  ["br", ".br"],
]);

export function isKnownCompression(compression: string): boolean {
  return COMPRESSIONS.has(compression);
}

/** Returns what Nix appends to `nar/<file hash>.nar`: `.xz`, or nothing for gzip. */
export function narExtension(compression: string): string {
  return EXTENSIONS.get(compression) ?? "";
}

/** Whether Nix gives this extension to NARs. An empty extension counts. */
export function isNarExtension(extension: string): boolean {
  return extension === "" || [...EXTENSIONS.values()].includes(extension);
}
