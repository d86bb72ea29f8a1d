import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StorePathHash } from "../../../../src/nix/store-path.ts";
import type { ListPage } from "../../../../src/worker/bucket/bucket.ts";
import { findMissing } from "../../../../src/worker/ingest/batch/find-missing.ts";
import {
  createMemoryBucket,
  type MemoryBucket,
} from "../../../../testkit/workerd/memory-bucket.ts";

const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";
const always = () => true;

/** A hash made of a number below 32^3. The numbers and the hashes have the same order. */
function hashOf(number: number): StorePathHash {
  const digits = [number >> 10, (number >> 5) & 31, number & 31];
  return `${digits.map((digit) => DIGITS[digit]).join("")}${"0".repeat(29)}` as StorePathHash;
}

function bucketWith(numbers: Iterable<number>): MemoryBucket {
  const bucket = createMemoryBucket();
  for (const number of numbers) bucket.setText(`${hashOf(number)}.narinfo`, "StorePath: …");
  return bucket;
}

const range = (count: number, step = 1) => Array.from({ length: count }, (_, at) => at * step);

const number = fc.integer({ min: 0, max: 32 ** 3 - 1 });

describe("findMissing", () => {
  it("finds exactly the hashes that have no narinfo, whatever else the bucket holds", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(number, { maxLength: 60 }),
        fc.uniqueArray(number, { maxLength: 60 }),
        async (stored, wanted) => {
          const bucket = bucketWith(stored);
          for (const name of ["nar/x.nar", "log/x", ".incoming/x", "realisations/x.doi"]) {
            bucket.setText(name, "x");
          }
          for (const one of stored) bucket.setText(`${hashOf(one)}.ls`, "{}");
          const { missing, rest } = await findMissing(wanted.map(hashOf), bucket, always);
          const absent = wanted.filter((one) => !stored.includes(one)).toSorted((a, b) => a - b);
          expect(missing).toEqual(absent.map(hashOf));
          expect(rest).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("asks six times for a thousand paths in a small cache", async () => {
    const bucket = bucketWith(range(1000));
    const { missing } = await findMissing(range(1001).map(hashOf), bucket, always);
    expect(missing).toEqual([hashOf(1000)]);
    expect(bucket.calls).toHaveLength(6);
  });

  it("never asks more often than there are hashes", async () => {
    const bucket = bucketWith(range(8000, 4));
    const wanted = range(20, 1600).map((at) => hashOf(at + 1));
    expect((await findMissing(wanted, bucket, always)).missing).toEqual(wanted);
    expect(bucket.calls.length).toBeLessThanOrEqual(20);
  });

  it("jumps over the NARs, which lie between the narinfos", async () => {
    const bucket = bucketWith(range(2000, 16));
    for (const at of range(5000)) bucket.setText(`nar/${String(at).padStart(52, "0")}.nar`, "x");
    const { missing } = await findMissing(range(2000, 16).map(hashOf), bucket, always);
    expect(missing).toEqual([]);
    expect(bucket.calls.length).toBeLessThan(16);
  });

  it("asks with one HEAD each for a few hashes", async () => {
    const bucket = bucketWith(range(5));
    await findMissing(range(6).map(hashOf), bucket, always);
    expect(bucket.calls.every((call) => call.startsWith("head "))).toBe(true);
  });

  it("counts an empty file as missing, since no client can read it", async () => {
    const bucket = bucketWith(range(20));
    bucket.setText(`${hashOf(3)}.narinfo`, "");
    bucket.setText(`${hashOf(19)}.narinfo`, "");
    const { missing } = await findMissing(range(20).map(hashOf), bucket, always);
    expect(missing).toEqual([hashOf(3), hashOf(19)]);
  });

  it("gives back what the budget does not suffice for", async () => {
    const bucket = bucketWith(range(8000, 4));
    const wanted = range(200, 160).map(hashOf);
    let left = 10;
    const { missing, rest } = await findMissing(wanted, bucket, () => left-- > 0);
    expect(bucket.calls).toHaveLength(10);
    expect(missing).toEqual([]);
    expect(rest.length).toBeGreaterThan(0);
    expect(rest.length).toBeLessThan(200);
  });

  it.each<{ what: string; list: (page: ListPage, after: string) => ListPage }>([
    {
      what: "is not in order",
      list: (page) => ({ ...page, objects: page.objects.toReversed() }),
    },
    {
      what: "begins before the place that was asked for",
      list: (page) => ({
        ...page,
        objects: [{ path: "!", sizeBytes: 1, lastModified: undefined }, ...page.objects],
      }),
    },
    {
      what: "is empty and does not say that it is the last",
      list: () => ({ objects: [], continuation: undefined, isLast: false }),
    },
  ])("proves no absence by a page that $what (law 5)", async ({ list }) => {
    const bucket = bucketWith(range(100, 2));
    const odd = {
      head: bucket.head,
      list: async (start: string, options: { after?: string } = {}) =>
        list(await bucket.list(start, options), options.after ?? ""),
    };
    const { missing } = await findMissing(range(200).map(hashOf), odd, always);
    expect(missing).toEqual(range(100, 2).map((at) => hashOf(at + 1)));
    const heads = bucket.calls.filter((call) => call.startsWith("head "));
    expect(heads).toHaveLength(200);
  });

  it("throws a fault of the bucket instead of an absence", async () => {
    const bucket = createMemoryBucket({
      before: (call) => {
        if (call.startsWith("list")) throw new Error("down");
      },
    });
    await expect(findMissing(range(50).map(hashOf), bucket, always)).rejects.toThrow("down");
  });
});
