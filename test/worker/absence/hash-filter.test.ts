import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProperty, propertyTimeout } from "../../../testkit/check-property.ts";
import { createRandom } from "../../../testkit/workerd/virtual-time.ts";
import {
  addHash,
  createHashFilter,
  type HashPrefix,
  isHashPrefix,
  mayHaveHash,
  prefixOf,
} from "../../../src/worker/absence/hash-filter.ts";

const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";
const digit = fc.integer({ min: 0, max: 31 }).map((value) => DIGITS[value] ?? "");
const prefixes = fc
  .array(digit, { minLength: 12, maxLength: 12 })
  .map((digits) => digits.join("") as HashPrefix);

function randomPrefix(random: () => number): HashPrefix {
  return Array.from({ length: 12 }, () => DIGITS[Math.floor(random() * 32)]).join("") as HashPrefix;
}

/** The share of other hashes that a full filter takes for its own. */
function falsePositives(capacity: number, seed: number, nextPrefix: () => HashPrefix): number {
  const filter = createHashFilter(capacity, seed);
  const added = new Set<HashPrefix>();
  for (let count = 0; count < capacity; count++) {
    const prefix = nextPrefix();
    added.add(prefix);
    addHash(filter, prefix);
  }
  const others = Array.from({ length: 20_000 }, nextPrefix).filter((prefix) => !added.has(prefix));
  return others.filter((prefix) => mayHaveHash(filter, prefix)).length / others.length;
}

describe("mayHaveHash", () => {
  it("never denies a hash that was added", { timeout: propertyTimeout() }, async () => {
    await checkProperty(
      "hash filter",
      fc.property(
        fc.array(prefixes, { maxLength: 200 }),
        fc.constantFrom(8, 64, 2 ** 16),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (added, capacity, seed) => {
          const filter = createHashFilter(capacity, seed);
          for (const prefix of added) addHash(filter, prefix);
          expect(added.every((prefix) => mayHaveHash(filter, prefix))).toBe(true);
        },
      ) as never,
      300,
    );
  });

  it.each([
    { capacity: 2 ** 16, seed: 1 },
    { capacity: 2 ** 18, seed: 0xffffffff },
    { capacity: 2 ** 18, seed: 0 },
  ])("takes at most 0.5 % of other hashes for its own ($capacity, seed $seed)", (options) => {
    const random = createRandom(7);
    const share = falsePositives(options.capacity, options.seed, () => randomPrefix(random));
    expect(share).toBeLessThan(0.005);
    expect(share).toBeGreaterThan(0.001);
  });

  it.each([
    { what: "the same first half", make: (half: string) => `000000${half}` },
    { what: "the same second half", make: (half: string) => `${half}zzzzzz` },
    { what: "two equal halves", make: (half: string) => half + half },
  ])("does so for hashes that a pusher has chosen to be alike: $what", ({ make }) => {
    const random = createRandom(9);
    const share = falsePositives(
      2 ** 14,
      12345,
      () => make(randomPrefix(random).slice(0, 6)) as HashPrefix,
    );
    expect(share).toBeLessThan(0.006);
  });
});

describe("prefixOf", () => {
  it("takes 60 bits of the hash", () => {
    expect(prefixOf("0123456789abcdfghijklmnpqrsvwxyz" as never)).toBe("0123456789ab");
    expect(isHashPrefix("0123456789ab")).toBe(true);
    expect(isHashPrefix("0123456789ae")).toBe(false);
    expect(isHashPrefix("0123456789a")).toBe(false);
  });
});
