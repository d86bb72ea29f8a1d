import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  allParts,
  goodParts,
  missingParts,
  partCountOf,
  partSizeOf,
  sizeOfPart,
} from "../../../../src/worker/ingest/direct/part-plan.ts";
import {
  MAX_NAR_BYTES,
  MAX_PARTS,
  PART_SIZE_THRESHOLD_BYTES,
} from "../../../../src/api/direct-uploads.ts";

const MIB = 1024 * 1024;
const sizes = fc.integer({ min: PART_SIZE_THRESHOLD_BYTES + 1, max: MAX_NAR_BYTES });

const part = (number: number, sizeBytes: number) => ({ number, sizeBytes });

describe("partSizeOf", () => {
  it.each([
    { what: "17 MiB", size: 17 * MIB, partSize: 16 * MIB, count: 2 },
    { what: "two whole parts", size: 32 * MIB, partSize: 16 * MIB, count: 2 },
    { what: "a byte more", size: 32 * MIB + 1, partSize: 16 * MIB, count: 3 },
    { what: "as many as there may be", size: 9000 * 16 * MIB, partSize: 16 * MIB, count: 9000 },
    { what: "a byte more than that", size: 9000 * 16 * MIB + 1, partSize: 17 * MIB, count: 8471 },
    { what: "the largest NAR", size: MAX_NAR_BYTES, partSize: 106 * MIB, count: 8997 },
  ])("cuts $what into $count", ({ size, partSize, count }) => {
    expect(partSizeOf(size)).toBe(partSize);
    expect(partCountOf(size)).toBe(count);
  });

  it("makes parts that S3 takes, and that add up to the NAR, of any size", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const parts = allParts(size);
        expect(parts.length).toBeLessThanOrEqual(MAX_PARTS);
        expect(parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(size);
        expect(parts.map(({ number }) => number)).toEqual(parts.map((_, index) => index + 1));
        const wholes = parts.slice(0, -1);
        expect(new Set(wholes.map(({ sizeBytes }) => sizeBytes))).toEqual(
          new Set([partSizeOf(size)]),
        );
        expect(partSizeOf(size) % MIB).toBe(0);
        expect(sizeOfPart(parts.length, size)).toBeGreaterThan(0);
        expect(sizeOfPart(parts.length + 1, size)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe("missingParts", () => {
  const size = 40 * MIB;

  it.each([
    { what: "nothing is there", stored: [], missing: [1, 2, 3] },
    { what: "all is", stored: allParts(size), missing: [] },
    { what: "only the last is", stored: [part(3, 8 * MIB)], missing: [1, 2] },
    { what: "one is short", stored: [part(1, 16 * MIB), part(2, 5)], missing: [2, 3] },
    { what: "the last is as long as the others", stored: [part(3, 16 * MIB)], missing: [1, 2, 3] },
    { what: "one is too many", stored: [...allParts(size), part(4, 0)], missing: [] },
  ])("names what is to be sent where $what", ({ stored, missing }) => {
    expect(missingParts(stored, size)).toEqual(missing);
  });

  it("and goodParts share all parts of any plan between them", () => {
    const stored = fc.array(
      fc.record({
        number: fc.integer({ min: 0, max: 5 }),
        sizeBytes: fc.constantFrom(0, 8 * MIB, 16 * MIB),
      }),
    );
    fc.assert(
      fc.property(stored, (parts) => {
        const good = new Set(goodParts(parts, size).map(({ number }) => number));
        const missing = missingParts(parts, size);
        expect([...good, ...missing].toSorted()).toEqual([1, 2, 3]);
      }),
    );
  });
});
