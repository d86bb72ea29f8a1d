import { describe, expect, it } from "vitest";
import { looksLikeNarFile } from "../../src/nix/nar-file.ts";
import { NAR_HEAD } from "../../testkit/store-path.ts";

const bytes = (...values: readonly (number | string)[]) =>
  new Uint8Array(
    values.flatMap((value) =>
      typeof value === "number" ? [value] : [...new TextEncoder().encode(value)],
    ),
  );

const XZ = bytes(0xfd, "7zXZ", 0, 0, 4);
const ZSTD = bytes(0x28, 0xb5, 0x2f, 0xfd, 4);

describe("looksLikeNarFile", () => {
  it.each([
    { extension: "", what: "a NAR", head: bytes(NAR_HEAD) },
    { extension: "", what: "gzip, which Nix gives no extension", head: bytes(0x1f, 0x8b, 8) },
    { extension: ".xz", what: "xz", head: XZ },
    { extension: ".bz2", what: "bzip2", head: bytes("BZh91AY&SY") },
    { extension: ".zst", what: "zstd", head: ZSTD },
    { extension: ".zst", what: "a skippable frame", head: bytes(0x5a, 0x2a, 0x4d, 0x18, 4) },
    { extension: ".lz4", what: "lz4", head: bytes(4, 0x22, 0x4d, 0x18) },
    { extension: ".lzip", what: "lzip", head: bytes("LZIP", 1) },
    { extension: ".br", what: "anything, since brotli has no magic bytes", head: bytes(0x0b, 2) },
  ])("takes $what for *.nar$extension", ({ extension, head }) => {
    expect(looksLikeNarFile(extension, head)).toBe(true);
  });

  const pages = [
    { what: "nothing", head: bytes() },
    { what: "an error of S3", head: bytes("<?xml version='1.0'?>") },
    { what: "an error without a declaration", head: bytes("<Error><Code>") },
    { what: "a page", head: bytes("<!DOCTYPE html>") },
    { what: "a page in capitals", head: bytes("<HTML>") },
  ];
  const extensions = ["", ".xz", ".bz2", ".zst", ".lz4", ".lzip", ".br"];
  it.each(extensions.flatMap((extension) => pages.map((page) => ({ extension, ...page }))))(
    "does not take $what for *.nar$extension",
    ({ extension, head }) => {
      expect(looksLikeNarFile(extension, head)).toBe(false);
    },
  );

  it("does not take one compression for another, nor half a magic", () => {
    expect(looksLikeNarFile(".xz", ZSTD)).toBe(false);
    expect(looksLikeNarFile(".zst", XZ)).toBe(false);
    expect(looksLikeNarFile(".xz", XZ.slice(0, 5))).toBe(false);
    expect(looksLikeNarFile("", XZ)).toBe(false);
  });

  it("cannot tell for an extension that Nix does not use", () => {
    expect(looksLikeNarFile(".7z", XZ)).toBeUndefined();
  });
});
