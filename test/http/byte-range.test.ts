import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ByteRange,
  formatByteRange,
  parseByteRange,
  resolveByteRange,
} from "../../src/http/request-headers.ts";

// 15 digits are read, and are exact as numbers.
const offsets = fc.nat({ max: Number.MAX_SAFE_INTEGER }).map((n) => n % 1e15);
const ranges: fc.Arbitrary<ByteRange> = fc.oneof(
  offsets.map((first) => ({ first, last: undefined })),
  fc.tuple(offsets, offsets).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
  offsets.map((suffixLength) => ({ suffixLength })),
);

describe("parseByteRange", () => {
  it.each([
    { what: "from an offset on, as Nix resumes", header: "bytes=500-", range: { first: 500 } },
    { what: "from the beginning", header: "bytes=0-", range: { first: 0 } },
    { what: "a part", header: "bytes=0-499", range: { first: 0, last: 499 } },
    { what: "one byte", header: "bytes=7-7", range: { first: 7, last: 7 } },
    { what: "the end", header: "bytes=-500", range: { suffixLength: 500 } },
    { what: "an end of nothing", header: "bytes=-0", range: { suffixLength: 0 } },
    { what: "spaces around", header: "  bytes=1-2 ", range: { first: 1, last: 2 } },
  ])("reads $what", ({ header, range }) => {
    expect(parseByteRange(header)).toEqual(range);
  });

  it.each([
    { what: "no header", header: undefined },
    { what: "a null header", header: null },
    { what: "an empty header", header: "" },
    { what: "another unit", header: "items=0-1" },
    { what: "no unit", header: "0-1" },
    { what: "neither end", header: "bytes=-" },
    { what: "an end before its beginning", header: "bytes=5-4" },
    { what: "several ranges", header: "bytes=0-0,5-9" },
    { what: "a negative end", header: "bytes=0--1" },
    { what: "a space inside", header: "bytes=0 -1" },
    { what: "a number that is not whole", header: "bytes=0.5-1" },
    { what: "hexadecimal", header: "bytes=0x1-2" },
    { what: "more digits than a number holds exactly", header: "bytes=0-9999999999999999" },
    { what: "a second line", header: "bytes=0-1\nx" },
  ])("asks for the whole object by $what", ({ header }) => {
    expect(parseByteRange(header)).toBeUndefined();
  });

  it("reads what formatByteRange writes", () => {
    fc.assert(
      fc.property(ranges, (range) => {
        expect(parseByteRange(formatByteRange(range))).toEqual(range);
      }),
    );
  });
});

describe("resolveByteRange", () => {
  it.each([
    { what: "a part", range: { first: 2, last: 5 }, size: 10, bytes: { first: 2, last: 5 } },
    {
      what: "the rest",
      range: { first: 2, last: undefined },
      size: 10,
      bytes: { first: 2, last: 9 },
    },
    {
      what: "what is left of a part",
      range: { first: 2, last: 99 },
      size: 10,
      bytes: { first: 2, last: 9 },
    },
    { what: "the last byte", range: { first: 9, last: 9 }, size: 10, bytes: { first: 9, last: 9 } },
    { what: "an end", range: { suffixLength: 3 }, size: 10, bytes: { first: 7, last: 9 } },
    {
      what: "an end longer than all",
      range: { suffixLength: 30 },
      size: 10,
      bytes: { first: 0, last: 9 },
    },
    {
      what: "nothing past the end",
      range: { first: 10, last: undefined },
      size: 10,
      bytes: undefined,
    },
    { what: "nothing of an empty end", range: { suffixLength: 0 }, size: 10, bytes: undefined },
    {
      what: "nothing of an empty object",
      range: { first: 0, last: undefined },
      size: 0,
      bytes: undefined,
    },
    { what: "no end of an empty object", range: { suffixLength: 1 }, size: 0, bytes: undefined },
  ])("finds $what", ({ range, size, bytes }) => {
    expect(resolveByteRange(range, size)).toEqual(bytes);
  });

  it("stays inside the object, whatever the range", () => {
    fc.assert(
      fc.property(ranges, fc.nat({ max: 1e6 }), (range, size) => {
        const bytes = resolveByteRange(range, size);
        if (bytes === undefined) return;
        expect(bytes.first).toBeGreaterThanOrEqual(0);
        expect(bytes.last).toBeGreaterThanOrEqual(bytes.first);
        expect(bytes.last).toBeLessThan(size);
      }),
    );
  });
});
