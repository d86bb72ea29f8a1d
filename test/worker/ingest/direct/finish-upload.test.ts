import { describe, expect, it } from "vitest";
import { CacheError } from "../../../../src/worker/cache-error.ts";
import { abortUpload } from "../../../../src/worker/ingest/direct/finish-upload.ts";
import { listPresentParts } from "../../../../src/worker/ingest/direct/direct-upload.ts";
import type { MemoryBucketHooks } from "../../../../testkit/workerd/memory-bucket.ts";
import {
  completeNar,
  expectRightBytes,
  expectStored,
  openPush,
  sendNar,
  startNar,
} from "../../../../testkit/workerd/push-by-parts.ts";
import { rejectionOf } from "../../../../testkit/workerd/rejection.ts";

describe("completion", () => {
  it("stores the NAR, tells what it does, and has the edge forget the name", async () => {
    const { nar, push } = await openPush();
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    const reported = await completeNar(started.upload, push);
    expect(new Set(reported)).toEqual(new Set(["checking", "copying"]));
    await expectStored(nar, push);
    expect(push.forgotten).toEqual([nar.key.path]);
  });

  it.each([
    { what: "all are missing", sent: [], named: "parts 1, 2 are" },
    { what: "the last is missing", sent: [1], named: "parts 2 are" },
    { what: "one is short", sent: [1, 2], named: "parts 1 are", short: true },
  ])("names the parts where $what", async ({ sent, named, short }) => {
    const { nar, push } = await openPush();
    const { upload } = await startNar(nar, push);
    const opened = push.bucket.openUpload(upload.incoming, upload.uploadId ?? "");
    for (const number of sent) {
      await opened.putPart(number, number === 1 && short ? nar.part(2) : nar.part(number));
    }
    const error = await rejectionOf(completeNar(upload, push));
    expect(error.code).toBe("upload-incomplete");
    expect(error.subject).toBe(`${named} missing or have a wrong size.`);
    expect(push.bucket.openUploads()).toBe(1);
  });

  it("never makes other bytes readable, and leaves nothing of them", async () => {
    const { nar, push } = await openPush({
      before: (call) => {
        if (call.startsWith("copy")) throw new Error("it must not be copied");
      },
    });
    const started = await startNar(nar, push);
    await sendNar(nar, started, push, (number) => nar.part(number).map((byte) => byte ^ 1));
    const error = await rejectionOf(completeNar(started.upload, push));
    expect(error.code).toBe("nar-hash-mismatch");
    expect([...push.bucket.objects]).toEqual([]);
    expect(push.bucket.openUploads()).toBe(0);
    expect((await rejectionOf(completeNar(started.upload, push))).code).toBe("upload-gone");
  });

  it("removes nothing where the bucket does not tell its size", async () => {
    const { nar, push } = await openPush();
    const { bucket } = push;
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    const head: typeof bucket.head = async (path) => {
      const stored = await bucket.head(path);
      return stored && { ...stored, sizeBytes: undefined };
    };
    const vague = { ...push, bucket: { ...bucket, head } };
    expect((await rejectionOf(completeNar(started.upload, vague))).code).toBe("bucket-unavailable");
    await completeNar(started.upload, push);
    await expectStored(nar, push);
  });

  it("does not copy an object that was put in place of the proved one", async () => {
    const hooks: MemoryBucketHooks = {
      before: (call) => {
        if (!call.startsWith("copy")) return;
        const incoming = call.slice("copy ".length);
        push.bucket.setText(incoming, "something else");
      },
    };
    const { nar, push } = await openPush(hooks);
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    expect((await rejectionOf(completeNar(started.upload, push))).code).toBe("upload-changed");
    expect([...push.bucket.objects]).toEqual([]);
  });

  it("copies without the condition where the bucket compares it with another tag", async () => {
    const { nar, push } = await openPush();
    const { bucket } = push;
    // OpenStack Swift: the tag of the first part, not that of the object.
    const copy: typeof bucket.copy = async (from, to, source) =>
      source.etag === undefined ? await bucket.copy(from, to, source) : "changed";
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    await completeNar(started.upload, { ...push, bucket: { ...bucket, copy } });
    await expectStored(nar, push);
  });

  it("does not believe such a copy if it has another size", async () => {
    const { nar, push } = await openPush();
    const { bucket } = push;
    const copy: typeof bucket.copy = async (_from, to, source) => {
      if (source.etag !== undefined) return "changed";
      bucket.setText(to, "cut");
      return "copied";
    };
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    const cut = { ...push, bucket: { ...bucket, copy } };
    expect((await rejectionOf(completeNar(started.upload, cut))).code).toBe("bucket-unavailable");
    await completeNar(started.upload, push);
    await expectStored(nar, push);
  });

  it("replaces a stored object that has another size, and so cannot be the NAR", async () => {
    const { nar, push } = await openPush();
    push.bucket.setText(nar.key.path, "cut");
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    await completeNar(started.upload, push);
    await expectStored(nar, push);
  });

  it("is to be started again where a part is sent while it is completed, and keeps the parts", async () => {
    const { nar, push } = await openPush({
      before: async (call) => {
        if (!call.startsWith("complete ") || isResent) return;
        isResent = true;
        const { incoming, uploadId } = started.upload;
        await push.bucket.openUpload(incoming, uploadId ?? "").putPart(1, nar.part(1));
      },
    });
    let isResent = false;
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    expect((await rejectionOf(completeNar(started.upload, push))).code).toBe("upload-changed");
    const again = await startNar(nar, push);
    expect(again.upload).toEqual(started.upload);
    expect(again.parts).toHaveLength(2);
    await completeNar(again.upload, push);
    await expectStored(nar, push);
  });

  it("of one upload, twice at the same time, ends well", async () => {
    const { nar, push } = await openPush();
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    await Promise.all([completeNar(started.upload, push), completeNar(started.upload, push)]);
    await expectStored(nar, push);
  });

  it("waits for the object where another completion is making it", async () => {
    const { nar, push } = await openPush({
      before: async (call) => {
        if (call.startsWith("complete ")) isCompleting = true;
        if (!isCompleting || !call.startsWith("head .incoming") || ++looks !== 5) return;
        push.bucket.objects.set(started.upload.incoming, {
          bytes: nar.bytes,
          contentType: "application/x-nix-nar",
        });
      },
      // The other one has taken it away.
      after: async (call) => {
        if (!call.startsWith("listParts ") || isCompleting) return;
        const { incoming, uploadId = "" } = started.upload;
        await push.bucket.openUpload(incoming, uploadId).abort();
      },
    });
    let isCompleting = false;
    let looks = 0;
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    await completeNar(started.upload, push);
    await expectStored(nar, push);
  });

  it.each([
    { moment: "while the bucket makes the object", left: "incoming" },
    { moment: "while the other one moves the NAR to its name", left: "nar" },
  ])("a second time, $moment, waits for it and ends well", async ({ left }) => {
    let looks = 0;
    const { nar, push } = await openPush({
      // The first completion runs in the bucket: the upload is no longer listed, and
      // the object appears at the fourth look.
      before: async (call) => {
        if (!isCompleting || !call.startsWith("head .incoming") || ++looks !== 4) return;
        const path = left === "nar" ? nar.key.path : started.upload.incoming;
        push.bucket.objects.set(path, {
          bytes: nar.bytes,
          contentType: "application/x-nix-nar",
        });
      },
    });
    let isCompleting = false;
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    const { incoming, uploadId = "" } = started.upload;
    await push.bucket.openUpload(incoming, uploadId).abort();
    isCompleting = true;
    await completeNar(started.upload, push);
    expect(looks).toBeGreaterThanOrEqual(4);
    await expectStored(nar, push);
  });

  it("of an upload that was aborted meanwhile says that it is gone", async () => {
    const { nar, push } = await openPush({
      before: async (call) => {
        if (!call.startsWith("complete ")) return;
        const { incoming, uploadId = "" } = started.upload;
        await push.bucket.openUpload(incoming, uploadId).abort();
      },
    });
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    expect((await rejectionOf(completeNar(started.upload, push))).code).toBe("upload-gone");
  });

  it("of one NAR, by two tokens at the same time, ends well", async () => {
    const { nar, push } = await openPush();
    const other = { ...push, by: "laptop" };
    const [mine, theirs] = [await startNar(nar, push), await startNar(nar, other)];
    await sendNar(nar, mine, push);
    await sendNar(nar, theirs, push);
    await Promise.all([completeNar(mine.upload, push), completeNar(theirs.upload, other)]);
    await expectStored(nar, push);
  });

  it("of a NAR that another token has stored meanwhile drops its own upload", async () => {
    const { nar, push } = await openPush();
    const other = { ...push, by: "laptop" };
    const [mine, theirs] = [await startNar(nar, push), await startNar(nar, other)];
    await sendNar(nar, mine, push);
    await completeNar(mine.upload, push);
    expect(await completeNar(theirs.upload, other)).toEqual([]);
    await expectStored(nar, push);
  });

  it("ends well where what is left over cannot be removed, and the log says so", async () => {
    const { nar, push } = await openPush({
      before: (call) => {
        if (call.startsWith("delete ")) throw new CacheError("bucket-unavailable", "x");
      },
    });
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    await completeNar(started.upload, push);
    await expectRightBytes(nar, push.bucket);
    expect(push.lines).toContainEqual(
      expect.objectContaining({ level: "warn", code: "incoming-not-removed" }),
    );
  });
});

describe("abortUpload", () => {
  it("drops an upload that is under way, and is content with one that is gone", async () => {
    const { nar, push } = await openPush();
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    for (let time = 0; time < 2; time++) {
      await abortUpload(started.upload, push);
      expect(push.bucket.openUploads()).toBe(0);
      expect(await listPresentParts(started.upload, push)).toBeUndefined();
    }
  });

  it("drops one that is completed and not proved, and leaves a stored NAR alone", async () => {
    const { nar, push } = await openPush();
    const started = await startNar(nar, push);
    await sendNar(nar, started, push);
    const { incoming, uploadId = "" } = started.upload;
    const upload = push.bucket.openUpload(incoming, uploadId);
    await upload.complete((await upload.listParts()) ?? []);
    push.bucket.setText(nar.key.path, "stored");
    await abortUpload(started.upload, push);
    expect([...push.bucket.objects.keys()]).toEqual([nar.key.path]);
  });
});
