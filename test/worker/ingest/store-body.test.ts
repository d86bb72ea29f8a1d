import { describe, expect, it } from "vitest";
import { FIRST_BUFFERS, type Lease, PART_BUFFERS } from "../../../src/worker/ingest/buffer-pool.ts";
import { storeBody } from "../../../src/worker/ingest/store-body.ts";
import { createTestBuffers } from "../../../testkit/workerd/buffers.ts";
import { sha256Hex } from "../../../testkit/sha256-hex.ts";
import {
  createMemoryBucket,
  type MemoryBucketHooks,
} from "../../../testkit/workerd/memory-bucket.ts";
import { NAR } from "../../../testkit/workerd/edge.ts";
import { makeBytes } from "../../../testkit/store-path.ts";

const MIB = 1024 * 1024;

/** A pool of `count` buffers and a bucket in memory. */
function openStore(count: number, hooks: MemoryBucketHooks = {}) {
  const buffers = createTestBuffers(count);
  const bucket = createMemoryBucket(hooks);
  return {
    buffers,
    bucket,
    store: (
      body: ReadableStream<Uint8Array>,
      lengthBytes: number,
      sha256: string | undefined = undefined,
    ) =>
      storeBody(
        { path: NAR.path, body, lengthBytes, sha256, contentType: "application/x-nix-nar" },
        bucket,
        buffers,
        "ci",
      ),
    /** The calls without the path, which is always the same. */
    calls: () => bucket.calls.map((call) => call.replace(` ${NAR.path}`, "")),
    /** How many buffers are free. */
    free: () => {
      let leases = 0;
      while (buffers.parts.tryAcquire("ci") !== undefined) leases++;
      return leases;
    },
  };
}

function streamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream();
}

/** A client that connects, and sends nothing. */
const streamOfNothing = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ type: "bytes", pull: () => new Promise<void>(() => {}) });

describe("storeBody", () => {
  it.each([
    { what: "nothing", sizeBytes: 0, calls: ["put"] },
    { what: "five bytes", sizeBytes: 5, calls: ["put"] },
    { what: "exactly the first buffer", sizeBytes: FIRST_BUFFERS.bytes, calls: ["put"] },
    { what: "a byte more than that", sizeBytes: FIRST_BUFFERS.bytes + 1, calls: ["put"] },
    { what: "exactly one buffer", sizeBytes: PART_BUFFERS.bytes, calls: ["put"] },
    {
      what: "a byte more than a buffer",
      sizeBytes: PART_BUFFERS.bytes + 1,
      calls: ["createUpload", "putPart 1", "putPart 2", "complete"],
    },
    {
      what: "exactly two buffers",
      sizeBytes: 2 * PART_BUFFERS.bytes,
      calls: ["createUpload", "putPart 1", "putPart 2", "complete"],
    },
    {
      what: "20 MiB",
      sizeBytes: 20 * MIB,
      calls: ["createUpload", "putPart 1", "putPart 2", "putPart 3", "complete"],
    },
  ])("stores $what, with two buffers and with one", async ({ sizeBytes, calls }) => {
    const bytes = makeBytes(sizeBytes, 7);
    const sha256 = await sha256Hex(bytes);
    for (const count of [2, 1]) {
      // A part that is sent slowly would show bytes of the next, were its buffer used again.
      const opened = openStore(count, { before: () => scheduler.wait(2) });
      await opened.store(streamOf(bytes), sizeBytes, sha256);
      const stored = opened.bucket.objects.get(NAR.path);
      expect(stored?.contentType).toBe("application/x-nix-nar");
      expect(stored?.bytes.byteLength).toBe(sizeBytes);
      expect(await sha256Hex(stored?.bytes ?? makeBytes(0, 0))).toBe(sha256);
      expect(opened.calls()).toEqual(calls);
      expect(opened.free()).toBe(count);
      expect(opened.buffers.heldFirst()).toBe(0);
    }
  });

  it("takes a body in chunks of any size", async () => {
    const bytes = makeBytes(9 * MIB, 3);
    let position = 0;
    const body = new ReadableStream({
      type: "bytes",
      pull(controller) {
        const next = Math.min(bytes.length, position + 700_001);
        controller.enqueue(bytes.slice(position, next));
        position = next;
        if (position === bytes.length) controller.close();
      },
    });
    const { store, bucket } = openStore(2);
    await store(body, bytes.length, await sha256Hex(bytes));
    expect(await sha256Hex(bucket.objects.get(NAR.path)?.bytes ?? makeBytes(0, 0))).toBe(
      await sha256Hex(bytes),
    );
  });

  it("checks no hash where none is promised", async () => {
    const { store, bucket } = openStore(1);
    await store(streamOf(makeBytes(5, 1)), 5);
    expect(bucket.objects.size).toBe(1);
  });

  it("passes the encoding on to both kinds of upload", async () => {
    for (const sizeBytes of [5, PART_BUFFERS.bytes + 5]) {
      const { buffers, bucket } = openStore(2);
      await storeBody(
        {
          path: NAR.path,
          body: streamOf(makeBytes(sizeBytes, 1)),
          lengthBytes: sizeBytes,
          sha256: undefined,
          contentType: "text/plain",
          contentEncoding: "br",
        },
        bucket,
        buffers,
        "ci",
      );
      expect(bucket.objects.get(NAR.path)).toMatchObject({
        contentType: "text/plain",
        contentEncoding: "br",
      });
    }
  });

  it.each([
    { what: "nothing before it has a buffer for the first bytes", pool: "first", read: 0 },
    { what: "only the first bytes before it has a buffer for a part", pool: "parts", read: 1 },
  ] as const)("reads $what (law 7)", async ({ pool, read }) => {
    const { buffers, store, calls } = openStore(1);
    const leases: (Lease | undefined)[] = [];
    do leases.push(buffers[pool].tryAcquire("other"));
    while (leases.at(-1) !== undefined);
    const sizeBytes = 4 * FIRST_BUFFERS.bytes;
    let chunks = 0;
    const body = new ReadableStream(
      {
        type: "bytes",
        pull(controller) {
          controller.enqueue(makeBytes(FIRST_BUFFERS.bytes, 1));
          if (++chunks === 4) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const storing = store(body, sizeBytes);
    await scheduler.wait(30);
    expect(chunks).toBe(read);
    for (const lease of leases) lease?.release();
    await storing;
    expect(calls()).toEqual(["put"]);
  });

  it("lets a small body pass uploads that send hardly anything", async () => {
    const { store, calls, buffers } = openStore(6);
    for (let count = 0; count < 6; count++) void store(streamOfNothing(), 20 * MIB).catch(() => {});
    await scheduler.wait(5);
    expect(buffers.heldFirst()).toBe(6);
    await store(streamOf(makeBytes(24, 1)), 24);
    await store(streamOf(makeBytes(9 * MIB, 1)), 9 * MIB);
    expect(calls()).toEqual(["put", "createUpload", "putPart 1", "putPart 2", "complete"]);
  });

  it.each([
    { what: "a small body only one buffer", sizeBytes: PART_BUFFERS.bytes, left: 2 },
    { what: "a large one two, and no more", sizeBytes: PART_BUFFERS.bytes + 1, left: 1 },
  ])("takes for $what", async ({ sizeBytes, left }) => {
    const seen: number[] = [];
    const opened = openStore(3, {
      before() {
        const leases = [0, 1, 2].map(() => opened.buffers.parts.tryAcquire("ci"));
        const taken = leases.filter((lease) => lease !== undefined);
        seen.push(taken.length);
        for (const lease of taken) lease.release();
      },
    });
    await opened.store(streamOf(makeBytes(sizeBytes, 1)), sizeBytes);
    expect(new Set(seen)).toEqual(new Set([left]));
  });

  it("finishes more uploads at once than there are buffers", async () => {
    const { store, free } = openStore(3);
    const bytes = makeBytes(9 * MIB, 5);
    const sha256 = await sha256Hex(bytes);
    await Promise.all(
      Array.from({ length: 8 }, () => store(streamOf(bytes), bytes.length, sha256)),
    );
    expect(free()).toBe(3);
  });
});
