import { describe, expect, it } from "vitest";
import { isKnownCompression, isNarExtension, narExtension } from "../../src/nix/compression.ts";

// What Nix 2.8.0 named NARs with `nix copy --to 'file://…?compression=…'`.
const EXTENSIONS = [
  { compression: "xz", extension: ".xz" },
  { compression: "bzip2", extension: ".bz2" },
  { compression: "zstd", extension: ".zst" },
  { compression: "lzip", extension: ".lzip" },
  { compression: "lz4", extension: ".lz4" },
  { compression: "br", extension: ".br" },
  { compression: "none", extension: "" },
  { compression: "gzip", extension: "" },
];

describe("narExtension", () => {
  it.each(EXTENSIONS)("gives $compression the extension '$extension'", (row) => {
    expect(narExtension(row.compression)).toBe(row.extension);
    expect(isNarExtension(row.extension)).toBe(true);
  });
});

describe("isNarExtension", () => {
  it.each([".gz", ".lz", "xz", ".XZ", ".", ".narinfo"])("refuses %s", (extension) => {
    expect(isNarExtension(extension)).toBe(false);
  });
});

describe("isKnownCompression", () => {
  it.each(EXTENSIONS)("knows $compression", ({ compression }) => {
    expect(isKnownCompression(compression)).toBe(true);
  });

  it.each(["", "XZ", "brotli", "zst", "toString"])("does not know '%s'", (compression) => {
    expect(isKnownCompression(compression)).toBe(false);
  });
});
