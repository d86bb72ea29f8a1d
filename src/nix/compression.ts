/** Every name Nix knows (libutil/compression-algo.hh, 2.36), not all of which it can write. */
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

/** The others, gzip among them, get no extension (libstore/binary-cache-store.cc). */
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

/** What Nix appends to `nar/<file hash>.nar`. */
export function narExtension(compression: string): string {
  return EXTENSIONS.get(compression) ?? "";
}

/** Whether Nix could have given a NAR this extension. */
export function isNarExtension(extension: string): boolean {
  return extension === "" || [...EXTENSIONS.values()].includes(extension);
}
