import { describe, expect, it } from "vitest";
import type { Bucket } from "../../../../src/worker/bucket/bucket.ts";
import { createIncomingPath, incomingFolder } from "../../../../src/worker/bucket/incoming-path.ts";
import { proveObject } from "../../../../src/worker/ingest/direct/prove-object.ts";
import type { FaultRule } from "../../../../tools/b2-server/fault-injector.ts";
import { B2_PREFIX, openB2 } from "../../../../testkit/workerd/b2.ts";
import { NAR } from "../../../../testkit/workerd/edge.ts";
import { sha256Hex } from "../../../../testkit/sha256-hex.ts";
import { rejectionOf } from "../../../../testkit/workerd/rejection.ts";
import { makeBytes } from "../../../../testkit/store-path.ts";

const MIB = 1024 * 1024;
const BYTES = makeBytes(2 * MIB + 12_345, 1);
const OTHER_BYTES = makeBytes(2 * MIB + 12_345, 2);

/** An object in the bucket, and how it is proved. */
async function prepare(bytes: Uint8Array<ArrayBuffer> = BYTES) {
  const { bucket, fake } = await openB2();
  const path = createIncomingPath(incomingFolder(NAR, "0123456789abcdef"), "parts");
  const key = B2_PREFIX + path;
  await fake.putObject(key, bytes);
  const head = await bucket.head(path);
  await fake.clearRequests();
  const progress: number[] = [];
  const prove = (from: Pick<Bucket, "get"> = bucket, sizeBytes = bytes.byteLength) =>
    proveObject(
      from,
      { path, sizeBytes, etag: head?.etag ?? "" },
      { onProgress: (count) => void progress.push(count), stallMilliseconds: 300 },
    );
  const ranges = async () => (await fake.requests()).map(({ range }) => range);
  return { bucket, fake, key, path, progress, prove, ranges };
}

const get = (effect: FaultRule["effect"], count?: number): FaultRule => ({
  match: { operation: "GetObject" },
  effect,
  ...(count === undefined ? {} : { count }),
});

describe("proveObject", () => {
  it.each([1, 1000, 256 * 1024, 256 * 1024 + 1, MIB])("hashes %i bytes", async (size) => {
    const bytes = makeBytes(size, 7);
    const { prove, fake } = await prepare(bytes);
    expect(await prove()).toEqual({ kind: "hashed", sha256: await sha256Hex(bytes) });
    expect(await fake.countRequests()).toBe(1);
  });

  it("tells how far it is, to the last byte", async () => {
    const { prove, progress } = await prepare();
    await prove();
    expect(progress.at(-1)).toBe(BYTES.byteLength);
    expect(progress.length).toBeGreaterThan(8);
    expect(progress.toSorted((a, b) => a - b)).toEqual(progress);
  });

  it.each<{ what: string; rules: readonly FaultRule[]; requests: number }>([
    { what: "is cut", rules: [get({ cutAfterBytes: 600_000 }, 1)], requests: 2 },
    { what: "is cut at once", rules: [get({ cutAfterBytes: 0 }, 1)], requests: 2 },
    { what: "is cut again and again", rules: [get({ cutAfterBytes: 300_000 }, 7)], requests: 8 },
    { what: "stalls", rules: [get({ stallMs: 5_000 }, 1)], requests: 2 },
    {
      what: "is cut, and then given whole where a range was asked for",
      rules: [get({ cutAfterBytes: 600_000 }, 1), get({ ignoreRange: true }, 1)],
      requests: 2,
    },
    {
      what: "is cut, given whole, and cut once more",
      rules: [
        get({ cutAfterBytes: 600_000 }, 1),
        get({ ignoreRange: true, cutAfterBytes: 1_700_000 }, 1),
      ],
      requests: 3,
    },
  ])("reads an object whose body $what to its end all the same", async ({ rules, requests }) => {
    const { prove, fake, progress } = await prepare();
    await fake.addFaults(...rules);
    expect(await prove()).toEqual({ kind: "hashed", sha256: await sha256Hex(BYTES) });
    expect(progress.at(-1)).toBe(BYTES.byteLength);
    expect(await fake.countRequests()).toBe(requests);
  });

  it("goes on where it stood", async () => {
    const { prove, fake, ranges } = await prepare();
    await fake.addFaults(get({ cutAfterBytes: 600_000 }, 1));
    await prove();
    const [first, second] = await ranges();
    expect(first).toBeUndefined();
    // At most one read of what came is lost.
    expect(Number(/^bytes=(\d+)-$/.exec(second ?? "")?.[1])).toBeGreaterThan(300_000);
  });

  it("gives up after five attempts that bring nothing, and never trusts what it has", async () => {
    const { prove, fake, progress } = await prepare();
    await fake.addFaults(get({ cutAfterBytes: 1_000_000 }, 1), get({ cutAfterBytes: 0 }));
    const error = await rejectionOf(prove());
    expect(error.code).toBe("bucket-unavailable");
    expect(progress.at(-1)).toBeLessThan(1_000_001);
    expect(await fake.countRequests()).toBe(6);
  });

  it("gives up on a bucket that cuts at the same place and heeds no range", async () => {
    const { prove, fake } = await prepare();
    await fake.addFaults(get({ ignoreRange: true, cutAfterBytes: 1_000_000 }));
    expect((await rejectionOf(prove())).code).toBe("bucket-unavailable");
    expect(await fake.countRequests()).toBe(6);
  });

  it("gets over a bucket that is down for a while", async () => {
    const { prove, fake } = await prepare();
    await fake.addFaults(get({ cutAfterBytes: 1_000_000 }, 1), get({ status: 503 }, 6));
    expect((await prove()).kind).toBe("hashed");
  });

  it("ends at once where the bucket's cap is used up", async () => {
    const { prove, fake } = await prepare();
    await fake.addFaults(get({ status: 403, message: "transaction cap exceeded" }));
    expect((await rejectionOf(prove())).code).toBe("bucket-cap-exceeded");
    expect(await fake.countRequests({ operation: "GetObject" })).toBe(1);
  });

  it("hashes what is there, whatever was promised", async () => {
    const { prove } = await prepare(OTHER_BYTES);
    expect(await prove()).toEqual({ kind: "hashed", sha256: await sha256Hex(OTHER_BYTES) });
  });

  it.each(["etag", "sizeBytes"] as const)(
    "does not take an answer without its %s for another object",
    async (unsaid) => {
      const { prove, bucket } = await prepare();
      let asked = 0;
      const terse: Pick<Bucket, "get"> = {
        async get(...args) {
          const stored = await bucket.get(...args);
          return stored === undefined || ++asked > 2 ? stored : { ...stored, [unsaid]: undefined };
        },
      };
      expect((await prove(terse)).kind).toBe("hashed");
      expect(asked).toBe(3);
    },
  );

  it("notices another object of the same size under the name", async () => {
    const { prove, fake, key, progress } = await prepare();
    await fake.putObject(key, OTHER_BYTES);
    expect(await prove()).toEqual({ kind: "changed" });
    expect(progress).toEqual([]);
  });

  it.each([
    { what: "another object", after: OTHER_BYTES, kind: "changed" },
    { what: "a shorter one", after: makeBytes(10, 3), kind: "changed" },
    { what: "none", after: undefined, kind: "gone" },
  ])("notices $what in its place when it goes on after a cut", async ({ after, kind }) => {
    const { bucket, prove, fake, key, path } = await prepare();
    await fake.addFaults(get({ cutAfterBytes: 600_000 }, 1));
    let asked = 0;
    const changing: Pick<Bucket, "get"> = {
      async get(...args) {
        if (++asked === 2 && after === undefined) await bucket.delete(path);
        if (asked === 2 && after !== undefined) await fake.putObject(key, after);
        return await bucket.get(...args);
      },
    };
    expect(await prove(changing)).toEqual({ kind });
  });

  it.each([
    { what: "shorter", difference: -1 },
    { what: "longer", difference: 1 },
  ])("does not prove an object that is $what than it should be", async ({ difference }) => {
    const { prove, bucket } = await prepare();
    expect(await prove(bucket, BYTES.byteLength - difference)).toEqual({ kind: "changed" });
  });

  it("notices that there is none", async () => {
    const { prove, bucket, path } = await prepare();
    await bucket.delete(path);
    expect(await prove()).toEqual({ kind: "gone" });
  });
});
