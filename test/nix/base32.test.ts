import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeNix32, parseNix32 } from "../../src/nix/encodings.ts";
import { valueOf } from "../../testkit/value-of.ts";

const bytesUpTo = (length: number) => Uint8Array.from({ length }, (_, index) => index);

// By `nix-hash --to-base32` 2.8.0, which takes the lengths of hashes only.
const VECTORS = [
  { bytes: bytesUpTo(20), text: "2c91240g1q6hq2qa1440f1h50h1h4080" },
  { bytes: bytesUpTo(32), text: "07qy3lf1n6hr30bic58l2c91240g1q6hq2qa1440f1h50h1h4080" },
];

describe("encodeNix32", () => {
  it.each(VECTORS)("writes $text", ({ bytes, text }) => {
    expect(encodeNix32(bytes)).toBe(text);
  });

  it("writes a single byte as its high bits and then its low five", () => {
    expect(encodeNix32(Uint8Array.of(0xff))).toBe("7z");
  });

  it("writes nothing as nothing", () => {
    expect(encodeNix32(new Uint8Array())).toBe("");
  });
});

describe("parseNix32", () => {
  it.each(VECTORS)("reads $text", ({ bytes, text }) => {
    expect(valueOf(parseNix32(text))).toEqual(bytes);
  });

  it("reads what encodeNix32 writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(valueOf(parseNix32(encodeNix32(bytes)))).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it("reads each value from one text only", () => {
    const text = fc
      .array(fc.constantFrom(..."0123456789abcdfghijklmnpqrsvwxyz"), { maxLength: 60 })
      .map((characters) => characters.join(""));
    const isOnlyText = fc.property(text, (candidate) => {
      const bytes = parseNix32(candidate);
      return !bytes.ok || encodeNix32(bytes.value) === candidate;
    });
    expect(fc.check(isOnlyText)).toMatchObject({ failed: false });
  });

  it.each([
    { what: "a letter left out of the alphabet", text: "e" + "0".repeat(51) },
    { what: "an upper-case letter", text: "A" + "0".repeat(51) },
    { what: "a letter beyond ASCII", text: "é" + "0".repeat(51) },
    { what: "a length no bytes have", text: "000" },
    { what: "a single digit", text: "0" },
    { what: "bits that no byte holds", text: "2" + "0".repeat(51) },
    { what: "all bits set", text: "z".repeat(52) },
  ])("refuses $what", ({ text }) => {
    expect(parseNix32(text).ok).toBe(false);
  });
});
