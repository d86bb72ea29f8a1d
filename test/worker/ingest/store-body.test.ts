import { describe, expect, it } from "vitest";
import { platformClock } from "../../../src/worker/clock.ts";
import { BUFFER_BYTES, createBufferPool } from "../../../src/worker/ingest/buffer-pool.ts";
import { storeBody } from "../../../src/worker/ingest/store-body.ts";
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
  const pool = createBufferPool(platformClock, count);
  const bucket = createMemoryBucket(hooks);
  return {
    pool,
    bucket,
    store: (
      body: ReadableStream<Uint8Array>,
      lengthBytes: number,
      sha256: string | undefined = undefined,
    ) =>
      storeBody(
        { path: NAR.path, body, lengthBytes, sha256, contentType: "application/x-nix-nar" },
        bucket,
        pool,
      ),
    /** The calls without the path, which is always the same. */
    calls: () => bucket.calls.map((call) => call.replace(` ${NAR.path}`, "")),
    /** How many buffers are free. */
    free: () => {
      let leases = 0;
      while (pool.tryAcquire() !== undefined) leases++;
      return leases;
    },
  };
}

function streamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream();
}

describe("storeBody", () => {
  it.each([
    { what: "nothing", sizeBytes: 0, calls: ["put"] },
    { what: "five bytes", sizeBytes: 5, calls: ["put"] },
    { what: "exactly one buffer", sizeBytes: BUFFER_BYTES, calls: ["put"] },
    {
      what: "a byte more than a buffer",
      sizeBytes: BUFFER_BYTES + 1,
      calls: ["createUpload", "putPart 1", "putPart 2", "complete"],
    },
    {
      what: "exactly two buffers",
      sizeBytes: 2 * BUFFER_BYTES,
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
    for (const sizeBytes of [5, BUFFER_BYTES + 5]) {
      const { pool, bucket } = openStore(2);
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
        pool,
      );
      expect(bucket.objects.get(NAR.path)).toMatchObject({
        contentType: "text/plain",
        contentEncoding: "br",
      });
    }
  });

  it("reads nothing before it has a buffer (law 7)", async () => {
    const { pool, store, calls } = openStore(1);
    const lease = await pool.acquire();
    let isRead = false;
    const body = new ReadableStream(
      {
        type: "bytes",
        pull(controller) {
          isRead = true;
          controller.enqueue(makeBytes(5, 1));
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const storing = store(body, 5);
    await scheduler.wait(30);
    expect(isRead).toBe(false);
    pool.release(lease);
    await storing;
    expect(calls()).toEqual(["put"]);
  });

  it.each([
    { what: "a small body only one buffer", sizeBytes: BUFFER_BYTES, left: 2 },
    { what: "a large one two, and no more", sizeBytes: BUFFER_BYTES + 1, left: 1 },
  ])("takes for $what", async ({ sizeBytes, left }) => {
    const seen: number[] = [];
    const opened = openStore(3, {
      before() {
        const leases = [0, 1, 2].map(() => opened.pool.tryAcquire());
        const taken = leases.filter((lease) => lease !== undefined);
        seen.push(taken.length);
        for (const lease of taken) opened.pool.release(lease);
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
