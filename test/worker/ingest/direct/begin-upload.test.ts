import { describe, expect, it } from "vitest";
import { createIncomingPath, isSignedPath } from "../../../../src/worker/bucket/incoming-path.ts";
import { folderOf, listPresentParts } from "../../../../src/worker/ingest/direct/direct-upload.ts";
import { missingParts } from "../../../../src/worker/ingest/direct/part-plan.ts";
import { beginSignedUpload } from "../../../../src/worker/ingest/direct/begin-signed-upload.ts";
import { beginUpload } from "../../../../src/worker/ingest/direct/begin-upload.ts";
import {
  completeNar,
  expectStored,
  openPush,
  sendNar,
  startNar,
} from "../../../../testkit/workerd/push-by-parts.ts";

describe("beginUpload", () => {
  it("begins an upload under a name that no route reads", async () => {
    const { nar, push } = await openPush();
    const { upload, parts } = await startNar(nar, push);
    expect(upload.incoming.startsWith(folderOf(nar.key, "ci"))).toBe(true);
    expect(parts).toEqual([]);
    expect(push.bucket.openUploads()).toBe(1);
    expect([...push.bucket.objects]).toEqual([]);
  });

  it("has nothing to do where the NAR is stored", async () => {
    const { nar, push } = await openPush();
    const first = await startNar(nar, push);
    await sendNar(nar, first, push);
    await completeNar(first.upload, push);
    expect(await beginUpload(nar.key, nar.bytes.byteLength, push, new Date())).toEqual({
      kind: "stored",
    });
  });

  it("finds an earlier try of the same token, with the parts that are right", async () => {
    const { nar, push } = await openPush();
    const first = await startNar(nar, push);
    const { bucket } = push;
    const upload = bucket.openUpload(first.upload.incoming, first.upload.uploadId ?? "");
    await upload.putPart(1, nar.part(2));
    await upload.putPart(2, nar.part(2));
    const second = await startNar(nar, push);
    expect(second.upload).toEqual(first.upload);
    expect(second.parts.map(({ number }) => number)).toEqual([2]);
    await sendNar(nar, second, push);
    await completeNar(second.upload, push);
    await expectStored(nar, push);
  });

  it("continues the one that came furthest, where tries at once left several", async () => {
    const { nar, push } = await openPush();
    const { bucket } = push;
    await startNar(nar, push);
    const folder = folderOf(nar.key, "ci");
    const options = { contentType: "application/x-nix-nar" };
    const further = await bucket.createUpload(createIncomingPath(folder, "parts"), options);
    await further.putPart(1, nar.part(1));
    await bucket.createUpload(createIncomingPath(folder, "parts"), options);
    const { upload, parts } = await startNar(nar, push);
    expect(upload.uploadId).toBe(further.uploadId);
    expect(parts.map(({ number }) => number)).toEqual([1]);
    expect(bucket.openUploads()).toBe(3);
  });

  it("asks after so many leftovers at most, and begins anew beside them", async () => {
    const { nar, push } = await openPush();
    for (let count = 0; count < 40; count++) {
      const incoming = createIncomingPath(folderOf(nar.key, "ci"), "parts");
      const surplus = await push.bucket.createUpload(incoming, { contentType: "x/y" });
      await surplus.putPart(3, nar.part(2));
    }
    push.bucket.calls.length = 0;
    const started = await startNar(nar, push);
    expect(push.bucket.calls.length).toBeLessThan(20);
    await sendNar(nar, started, push);
    await completeNar(started.upload, push);
    await expectStored(nar, push);
  });

  it("gives another token an upload of its own", async () => {
    const { nar, push } = await openPush();
    const first = await startNar(nar, push);
    const second = await startNar(nar, { ...push, by: "laptop" });
    expect(second.upload.incoming).not.toBe(first.upload.incoming);
    expect(second.parts).toEqual([]);
    expect(push.bucket.openUploads()).toBe(2);
  });

  it("does not continue one that has more parts than there can be", async () => {
    const { nar, push } = await openPush();
    const first = await startNar(nar, push);
    const { bucket } = push;
    await bucket
      .openUpload(first.upload.incoming, first.upload.uploadId ?? "")
      .putPart(3, nar.part(2));
    const second = await startNar(nar, push);
    expect(second.upload.uploadId).not.toBe(first.upload.uploadId);
    await sendNar(nar, second, push);
    await completeNar(second.upload, push);
    await expectStored(nar, push);
  });

  it("finds an upload that was completed and not proved, of which nothing is to be sent", async () => {
    const { nar, push } = await openPush();
    push.bucket.objects.set(`${folderOf(nar.key, "ci")}${"0a".repeat(16)}`, {
      bytes: nar.bytes,
      contentType: "application/x-nix-nar",
    });
    const { upload, parts } = await startNar(nar, push);
    expect(upload.uploadId).toBeUndefined();
    expect(missingParts(parts, nar.bytes.byteLength)).toEqual([]);
    expect(await listPresentParts(upload, push)).toEqual(parts);
    await completeNar(upload, push);
    await expectStored(nar, push);
  });

  it("finds one that the bucket has proved before all others, and does not read it", async () => {
    const { nar, push } = await openPush();
    const folder = folderOf(nar.key, "ci");
    const object = { bytes: nar.bytes, contentType: "application/x-nix-nar" };
    push.bucket.objects.set(`${folder}${"0a".repeat(16)}`, object);
    push.bucket.objects.set(`${folder}signed-${"0a".repeat(16)}`, object);
    push.bucket.objects.set(`${folder}${"fa".repeat(16)}`, object);
    const { upload } = await startNar(nar, push);
    expect(upload.incoming).toBe(`${folder}signed-${"0a".repeat(16)}`);
    expect(isSignedPath(upload.incoming)).toBe(true);
  });

  it("signs a PUT beside an object of parts, which the gateway would have to read", async () => {
    const { nar, push } = await openPush();
    push.bucket.objects.set(`${folderOf(nar.key, "ci")}${"0a".repeat(16)}`, {
      bytes: nar.bytes,
      contentType: "application/x-nix-nar",
    });
    const size = nar.bytes.byteLength;
    const begun = await beginSignedUpload(nar.key, size, "x-amz-content-sha256", push);
    expect(begun.kind).toBe("open");
  });

  it.each([
    { what: "continues one that was completed 4 days ago", days: 4, left: 0 },
    // A sweep could take it away while it is proved.
    { what: "begins anew beside one that was completed 6 days ago", days: 6, left: 2 },
  ])("$what", async ({ days, left }) => {
    const { nar, push } = await openPush();
    push.bucket.objects.set(`${folderOf(nar.key, "ci")}${"0a".repeat(16)}`, {
      bytes: nar.bytes,
      contentType: "application/x-nix-nar",
      lastModified: new Date(Date.now() - days * 86_400_000),
    });
    const started = await startNar(nar, push);
    expect(missingParts(started.parts, nar.bytes.byteLength)).toHaveLength(left);
    await sendNar(nar, started, push);
    await completeNar(started.upload, push);
    await expectStored(nar, push);
  });

  it("begins anew beside one of another size", async () => {
    const { nar, push } = await openPush();
    const leftover = `${folderOf(nar.key, "ci")}${"0a".repeat(16)}`;
    push.bucket.setText(leftover, "too short");
    const started = await startNar(nar, push);
    expect(started.parts).toEqual([]);
    await sendNar(nar, started, push);
    await completeNar(started.upload, push);
    await expectStored(nar, push);
  });
});
