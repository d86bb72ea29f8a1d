import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBase64, parseBase64 } from "../../src/nix/encodings.ts";
import { valueOf } from "../../testkit/value-of.ts";

describe("parseBase64", () => {
  it("reads what encodeBase64 writes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(valueOf(parseBase64(encodeBase64(bytes)))).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it("reads a known vector", () => {
    expect(valueOf(parseBase64("++//AA=="))).toEqual(Uint8Array.of(0xfb, 0xef, 0xff, 0x00));
  });

  it.each([
    { what: "missing padding", text: "AA" },
    { what: "bits behind the last byte", text: "AB==" },
    { what: "the URL alphabet", text: "-_-_" },
    { what: "a line break", text: "AAAA\n" },
    { what: "a space, which atob passes over", text: "AA AA" },
    { what: "padding inside", text: "AA==AAAA" },
    { what: "nothing but padding", text: "==" },
  ])("refuses $what", ({ text }) => {
    expect(parseBase64(text).ok).toBe(false);
  });
});
