import { describe, expect, it } from "vitest";
import { B2_PREFIX, openB2, pathOf } from "../../../testkit/workerd/b2.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";
import { makeBytes } from "../../../testkit/store-path.ts";

const PATH = pathOf("nar/05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56.nar.xz");
const KEY = B2_PREFIX + PATH;
const OPTIONS = { contentType: "application/x-nix-nar" };
// S3's least size of a part that is not the last.
const PART_BYTES = 5 * 1024 * 1024;

describe("createUpload", () => {
  it("makes one object of the parts, in their order, whatever the order they came in", async () => {
    const { bucket, fake } = await openB2();
    const [first, second] = [makeBytes(PART_BYTES, 1), makeBytes(1000, 2)];
    const upload = await bucket.createUpload(PATH, OPTIONS);
    const parts = [await upload.putPart(2, second), await upload.putPart(1, first)];
    expect(await bucket.head(PATH)).toBeUndefined();
    expect(await upload.complete(parts)).toBe("completed");
    const stored = await fake.getObject(KEY);
    expect(stored?.headers["content-type"]).toBe(OPTIONS.contentType);
    expect(stored?.bytes.length).toBe(PART_BYTES + 1000);
    expect(stored?.bytes.subarray(0, PART_BYTES)).toEqual(first);
    expect(stored?.bytes.subarray(PART_BYTES)).toEqual(second);
  });

  it("sends a part again, whole, after a fault", async () => {
    const { bucket, fake } = await openB2();
    const part = makeBytes(1000, 3);
    await fake.addFaults(
      { match: { operation: "UploadPart" }, effect: { status: 500 }, count: 1 },
      { match: { operation: "UploadPart" }, effect: { dropConnection: "after-commit" }, count: 1 },
    );
    const upload = await bucket.createUpload(PATH, OPTIONS);
    await upload.complete([await upload.putPart(1, part)]);
    expect((await fake.getObject(KEY))?.bytes).toEqual(part);
  });

  it("stores the encoding that it is told", async () => {
    const { bucket, fake } = await openB2();
    const upload = await bucket.createUpload(PATH, { ...OPTIONS, contentEncoding: "zstd" });
    await upload.complete([await upload.putPart(1, makeBytes(10, 1))]);
    expect((await fake.getObject(KEY))?.headers["content-encoding"]).toBe("zstd");
  });

  it("fails where there is no bucket", async () => {
    const { bucket } = await openB2({ config: { bucket: "no-such-bucket" } });
    expect(await rejectionOf(bucket.createUpload(PATH, OPTIONS))).toMatchObject({
      code: "misconfigured",
    });
  });
});

describe("complete", () => {
  it("takes an error inside a 200 for the error that it is", async () => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({
      match: { operation: "CompleteMultipartUpload" },
      effect: { status: 200, code: "InternalError" },
    });
    const upload = await bucket.createUpload(PATH, OPTIONS);
    const part = await upload.putPart(1, makeBytes(10, 1));
    const error = await rejectionOf(upload.complete([part]));
    expect(error.code).toBe("bucket-unavailable");
    expect(error.message).toContain("InternalError");
    expect(await fake.getObject(KEY)).toBeUndefined();
    expect(await fake.countRequests({ operation: "CompleteMultipartUpload" })).toBe(3);
  });

  it("tries again after an error inside a 200, which S3 asks for", async () => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({
      match: { operation: "CompleteMultipartUpload" },
      effect: { status: 200, code: "InternalError" },
      count: 2,
    });
    const upload = await bucket.createUpload(PATH, OPTIONS);
    await upload.complete([await upload.putPart(1, makeBytes(10, 1))]);
    expect((await fake.getObject(KEY))?.bytes.length).toBe(10);
  });

  it("finds no upload any more where its first answer was lost", async () => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({
      match: { operation: "CompleteMultipartUpload" },
      effect: { dropConnection: "after-commit" },
      count: 1,
    });
    const upload = await bucket.createUpload(PATH, OPTIONS);
    const part = await upload.putPart(1, makeBytes(10, 1));
    expect(await upload.complete([part])).toBe("gone");
    expect((await fake.getObject(KEY))?.bytes.length).toBe(10);
  });

  it("says so where a part is another than its tag", async () => {
    const { bucket } = await openB2();
    const upload = await bucket.createUpload(PATH, OPTIONS);
    const part = await upload.putPart(1, makeBytes(10, 1));
    await upload.putPart(1, makeBytes(10, 2));
    expect(await upload.complete([part])).toBe("changed");
  });

  it("fails where a part is too small not to be the last", async () => {
    const { bucket } = await openB2();
    const upload = await bucket.createUpload(PATH, OPTIONS);
    const parts = [
      await upload.putPart(1, makeBytes(10, 1)),
      await upload.putPart(2, makeBytes(10, 1)),
    ];
    const error = await rejectionOf(upload.complete(parts));
    expect(error.message).toContain("EntityTooSmall");
  });
});

describe("listParts", () => {
  it("tells number, tag and size of what is there, in order, over several pages", async () => {
    const { bucket, fake } = await openB2();
    const { uploadId } = await bucket.createUpload(PATH, OPTIONS);
    const upload = bucket.openUpload(PATH, uploadId);
    const numbers = Array.from({ length: 1001 }, (_, index) => 1001 - index);
    const put = await Promise.all(
      numbers.map((number) => upload.putPart(number, makeBytes(1 + (number % 7), number))),
    );
    const listed = await upload.listParts();
    expect(listed).toEqual(put.toReversed());
    expect(await fake.countRequests({ operation: "ListParts" })).toBe(2);
  });

  it("tells of an upload without parts that there are none", async () => {
    const { bucket } = await openB2();
    const upload = await bucket.createUpload(PATH, OPTIONS);
    expect(await upload.listParts()).toEqual([]);
  });

  it("tells an upload that is gone from a fault", async () => {
    const { bucket, fake } = await openB2();
    const upload = await bucket.createUpload(PATH, OPTIONS);
    await fake.addFaults({ match: { operation: "ListParts" }, effect: { status: 403 }, count: 1 });
    expect((await rejectionOf(upload.listParts())).code).toBe("misconfigured");
    await upload.abort();
    expect(await upload.listParts()).toBeUndefined();
  });

  it("does not take a page of something else for an upload without parts", async () => {
    const { bucket, fake } = await openB2();
    const upload = await bucket.createUpload(PATH, OPTIONS);
    await fake.addFaults({
      match: { operation: "ListParts" },
      effect: { status: 200, html: true },
    });
    expect((await rejectionOf(upload.listParts())).code).toBe("bucket-unavailable");
  });
});

describe("listUploads", () => {
  it("lists the unfinished uploads below a path, and no others", async () => {
    const { bucket } = await openB2();
    const [first, second] = [
      await bucket.createUpload(PATH, OPTIONS),
      await bucket.createUpload(PATH, OPTIONS),
    ];
    await bucket.createUpload(pathOf("nar/other.nar"), OPTIONS);
    expect(await bucket.listUploads("nar/05ra3y72")).toEqual([
      { path: PATH, uploadId: first.uploadId },
      { path: PATH, uploadId: second.uploadId },
    ]);
    await first.abort();
    await second.abort();
    expect(await bucket.listUploads("nar/05ra3y72")).toEqual([]);
  });

  it("does not take a page of something else for none", async () => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({ effect: { status: 200, html: true } });
    expect((await rejectionOf(bucket.listUploads("nar/"))).code).toBe("bucket-unavailable");
  });
});

describe("abort", () => {
  it("drops the parts", async () => {
    const { bucket, fake } = await openB2();
    const upload = await bucket.createUpload(PATH, OPTIONS);
    const part = await upload.putPart(1, makeBytes(10, 1));
    await upload.abort();
    expect(await upload.complete([part])).toBe("gone");
    expect(await fake.listKeys()).toEqual([]);
  });

  it("is content with an upload that is gone", async () => {
    const { bucket } = await openB2();
    const upload = await bucket.createUpload(PATH, OPTIONS);
    await upload.abort();
    await expect(upload.abort()).resolves.toBeUndefined();
  });

  it("fails where the bucket refuses it", async () => {
    const { bucket, fake } = await openB2();
    const upload = await bucket.createUpload(PATH, OPTIONS);
    await fake.addFaults({ effect: { status: 403 } });
    expect((await rejectionOf(upload.abort())).code).toBe("misconfigured");
  });
});
