import { describe, expect, it } from "vitest";
import {
  type FilterFile,
  formatFilterFile,
  maxFileBytes,
  parseFilterFile,
} from "../../../src/worker/absence/filter-file.ts";
import { addHash, createHashFilter, mayHaveHash } from "../../../src/worker/absence/hash-filter.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const filter = createHashFilter(64, 0xdeadbeef);
addHash(filter, "0123456789ab" as never);

const FILE: FilterFile = {
  deployment: "5ac3f0b1",
  id: "1-2",
  start: 1_800_000_000_000,
  base: ".nargate/absence/filter-1",
  isConfirmed: true,
  count: 1,
  cursor: "zz.narinfo",
  filter,
};

describe("parseFilterFile", () => {
  it("reads back what formatFilterFile has written", () => {
    const parsed = valueOf(parseFilterFile(formatFilterFile(FILE)));
    expect(parsed).toEqual(FILE);
    expect(mayHaveHash(parsed.filter, "0123456789ab" as never)).toBe(true);
    expect(mayHaveHash(parsed.filter, "zzzzzzzzzzzz" as never)).toBe(false);
    const first: FilterFile = { ...FILE, base: undefined };
    expect(valueOf(parseFilterFile(formatFilterFile(first)))).toEqual(first);
  });

  it("refuses a file that is cut anywhere", () => {
    const file = formatFilterFile(FILE);
    for (let length = 0; length < file.length; length++) {
      expect(parseFilterFile(file.slice(0, length)).ok, `${length}`).toBe(false);
    }
  });

  it("refuses a file in which one bit differs", () => {
    const file = formatFilterFile(FILE);
    for (let index = 0; index < file.length; index++) {
      const changed = file.slice();
      changed[index] = (changed[index] ?? 0) ^ (1 << (index & 7));
      expect(parseFilterFile(changed).ok, `${index}`).toBe(false);
    }
  });

  it("refuses a file whose bits are not of its capacity, though its checksum is right", () => {
    for (const capacity of [0, 8, 72, 1e12]) {
      const file = formatFilterFile({ ...FILE, filter: { ...filter, capacity } });
      expect(parseFilterFile(file).ok, `${capacity}`).toBe(false);
    }
  });

  it("takes no more bytes than maxFileBytes says", () => {
    expect(formatFilterFile({ ...FILE, deployment: "x".repeat(100) }).length).toBeLessThanOrEqual(
      maxFileBytes(64),
    );
  });
});
