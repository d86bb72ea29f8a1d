import { describe, expect, it } from "vitest";
import { CacheError } from "../../../src/worker/cache-error.ts";
import { createTestBuffers } from "../../../testkit/workerd/buffers.ts";
import { storeBody } from "../../../src/worker/ingest/store-body.ts";
import { B2_PREFIX, openB2 } from "../../../testkit/workerd/b2.ts";
import { NAR } from "../../../testkit/workerd/edge.ts";
import { sha256Hex } from "../../../testkit/sha256-hex.ts";
import {
  createMemoryBucket,
  type MemoryBucketHooks,
} from "../../../testkit/workerd/memory-bucket.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";
import { makeBytes } from "../../../testkit/store-path.ts";

const MIB = 1024 * 1024;
const SMALL = makeBytes(1000, 1);
// Two parts and a bit.
const LARGE = makeBytes(17 * MIB, 2);
const OTHER_SHA256 = "0a".repeat(32);

const down = new CacheError("bucket-unavailable", "x");
const failingAt = (call: string) => (name: string) => {
  if (name.replace(` ${NAR.path}`, "") === call) throw down;
};

function openStore(hooks: MemoryBucketHooks = {}) {
  const buffers = createTestBuffers(2);
  const bucket = createMemoryBucket(hooks);
  return {
    bucket,
    buffers,
    store: (body: ReadableStream<Uint8Array>, lengthBytes: number, sha256?: string) =>
      storeBody(
        { path: NAR.path, body, lengthBytes, sha256, contentType: "application/x-nix-nar" },
        bucket,
        buffers,
        "ci",
      ),
    calls: () => bucket.calls.map((call) => call.replace(` ${NAR.path}`, "")),
    expectAllBuffersBack() {
      const leases = [0, 1, 2].map(() => buffers.parts.tryAcquire("ci"));
      expect(leases.map((lease) => lease?.buffer.byteLength)).toEqual([
        8 * MIB,
        8 * MIB,
        undefined,
      ]);
      for (const lease of leases) lease?.release();
      expect(buffers.heldFirst()).toBe(0);
    },
  };
}

const streamOf = (bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> =>
  new Blob([bytes]).stream();

/** A client that goes away after these bytes. */
function brokenAfter(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  let isSent = false;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (isSent) controller.error(new Error("the client went away"));
      else controller.enqueue(bytes.slice());
      isSent = true;
    },
  });
}

describe("an upload whose bytes are not what its name promises (law 2)", () => {
  it.each([
    { what: "small", bytes: SMALL, calls: [] },
    {
      what: "in parts",
      bytes: LARGE,
      calls: ["createUpload", "putPart 1", "putPart 2", "putPart 3", "abort"],
    },
  ])("stores nothing: $what", async ({ bytes, calls }) => {
    const opened = openStore();
    const error = await rejectionOf(opened.store(streamOf(bytes), bytes.length, OTHER_SHA256));
    expect(error.code).toBe("nar-hash-mismatch");
    expect(opened.calls()).toEqual(calls);
    expect(opened.bucket.objects.size).toBe(0);
    opened.expectAllBuffersBack();
  });

  it("stores nothing for one wrong byte at the very end", async () => {
    const opened = openStore();
    const sha256 = await sha256Hex(LARGE);
    const wrong = LARGE.slice();
    wrong[wrong.length - 1] = (wrong.at(-1) as number) ^ 1;
    const error = await rejectionOf(opened.store(streamOf(wrong), wrong.length, sha256));
    expect(error.code).toBe("nar-hash-mismatch");
    expect(opened.bucket.objects.size).toBe(0);
  });

  it("takes an empty body for no NAR", async () => {
    const opened = openStore();
    const error = await rejectionOf(opened.store(streamOf(makeBytes(0, 0)), 0, OTHER_SHA256));
    expect(error.code).toBe("nar-hash-mismatch");
    expect(opened.bucket.calls).toEqual([]);
  });
});

describe("a body that is shorter than it said", () => {
  it.each([
    { what: "a small one", bytes: SMALL, calls: [] },
    { what: "in the last part", bytes: LARGE, calls: ["createUpload", "putPart 1", "putPart 2"] },
  ])("stores nothing: $what", async ({ bytes, calls }) => {
    const opened = openStore();
    const error = await rejectionOf(
      opened.store(streamOf(bytes), bytes.length + 1, await sha256Hex(bytes)),
    );
    expect(error.code).toBe("body-too-short");
    expect(error.message).toBe(`${bytes.length} of ${bytes.length + 1} bytes`);
    expect(opened.calls()).toEqual(calls.length === 0 ? [] : [...calls, "abort"]);
    expect(opened.bucket.objects.size).toBe(0);
    opened.expectAllBuffersBack();
  });
});

describe("a client that goes away", () => {
  it("in a small body stores nothing", async () => {
    const opened = openStore();
    await expect(opened.store(brokenAfter(SMALL), SMALL.length + 1)).rejects.toThrow(
      "the client went away",
    );
    expect(opened.bucket.calls).toEqual([]);
    opened.expectAllBuffersBack();
  });

  it("in the middle of the parts has them dropped", async () => {
    const opened = openStore();
    await expect(opened.store(brokenAfter(LARGE), LARGE.length + 1)).rejects.toThrow(
      "the client went away",
    );
    expect(opened.calls()).toEqual(["createUpload", "putPart 1", "putPart 2", "abort"]);
    expect(opened.bucket.openUploads()).toBe(0);
    opened.expectAllBuffersBack();
  });
});

describe("a bucket that fails", () => {
  it.each([
    { call: "put", bytes: SMALL, calls: ["put"] },
    { call: "createUpload", bytes: LARGE, calls: ["createUpload"] },
    { call: "putPart 1", bytes: LARGE, calls: ["createUpload", "putPart 1", "abort"] },
    {
      call: "putPart 3",
      bytes: LARGE,
      calls: ["createUpload", "putPart 1", "putPart 2", "putPart 3", "abort"],
    },
    {
      call: "complete",
      bytes: LARGE,
      calls: ["createUpload", "putPart 1", "putPart 2", "putPart 3", "complete", "head", "abort"],
    },
  ])("at $call fails the upload and drops the parts", async ({ call, bytes, calls }) => {
    const opened = openStore({ before: failingAt(call) });
    expect(await rejectionOf(opened.store(streamOf(bytes), bytes.length))).toBe(down);
    expect(opened.calls()).toEqual(calls);
    expect(opened.bucket.objects.size).toBe(0);
    expect(opened.bucket.openUploads()).toBe(0);
    opened.expectAllBuffersBack();
  });

  it("at the abort too still fails with the first fault", async () => {
    const opened = openStore({
      before: (name) => {
        if (name.startsWith("putPart")) throw down;
        if (name.startsWith("abort")) throw new Error("another");
      },
    });
    expect(await rejectionOf(opened.store(streamOf(LARGE), LARGE.length))).toBe(down);
    opened.expectAllBuffersBack();
  });

  it("leaves every buffer in the pool, however often", async () => {
    const { store, expectAllBuffersBack } = openStore({ before: failingAt("putPart 2") });
    for (let count = 0; count < 4; count++) {
      await rejectionOf(store(streamOf(LARGE), LARGE.length));
      await store(brokenAfter(SMALL), LARGE.length).catch(() => {});
    }
    expectAllBuffersBack();
  });

  it("does not get a buffer back while a part is still sent from it", async () => {
    let isSending = false;
    const opened = openStore({
      async before(name) {
        if (!name.startsWith("putPart")) return;
        isSending = true;
        await scheduler.wait(20);
        isSending = false;
      },
    });
    const failed = opened.store(brokenAfter(LARGE.slice(0, 9 * MIB)), LARGE.length);
    await expect(failed).rejects.toThrow("the client went away");
    expect(isSending).toBe(false);
    expect(opened.calls()).toEqual(["createUpload", "putPart 1", "abort"]);
  });
});

describe("a completion whose answer is lost", () => {
  it("is found to be done by a HEAD", async () => {
    const opened = openStore({ after: failingAt("complete") });
    await opened.store(streamOf(LARGE), LARGE.length, await sha256Hex(LARGE));
    expect(opened.calls().slice(-2)).toEqual(["complete", "head"]);
    expect(opened.bucket.objects.get(NAR.path)?.bytes.length).toBe(LARGE.length);
    opened.expectAllBuffersBack();
  });

  it("fails where what is there has another size", async () => {
    const opened = openStore({ before: failingAt("complete") });
    opened.bucket.setText(NAR.path, "what was there before");
    expect(await rejectionOf(opened.store(streamOf(LARGE), LARGE.length))).toBe(down);
    expect(opened.calls().at(-1)).toBe("abort");
  });

  it("succeeds against B2, which then knows no such upload any more", async () => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({
      match: { operation: "CompleteMultipartUpload" },
      effect: { dropConnection: "after-commit" },
      count: 1,
    });
    const { buffers } = openStore();
    const sha256 = await sha256Hex(LARGE);
    await storeBody(
      {
        path: NAR.path,
        body: streamOf(LARGE),
        lengthBytes: LARGE.length,
        sha256,
        contentType: "application/x-nix-nar",
      },
      bucket,
      buffers,
      "ci",
    );
    const stored = await fake.getObject(B2_PREFIX + NAR.path);
    expect(await sha256Hex(stored?.bytes as Uint8Array<ArrayBuffer>)).toBe(sha256);
    expect(await fake.countRequests({ operation: "UploadPart" })).toBe(3);
  });
});
