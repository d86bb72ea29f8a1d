import { describe, expect, it } from "vitest";
import { parseIncomingPath, type IncomingPath } from "../../../src/worker/bucket/incoming-path.ts";
import { type Bucket, isListed } from "../../../src/worker/bucket/bucket.ts";
import { makeBytes } from "../../store-path.ts";
import { bytesOf, pathOf } from "../b2.ts";
import { readable } from "../small-object.ts";

/** A bucket of its own, and what the holder of a signed part URL can do with it. */
export interface OpenedBucket {
  readonly bucket: Bucket;
  /** PUTs bytes to a URL from `signPart`. */
  putSigned(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean>;
}

const HASH = "syd87l2rxw8cbsxmxl853h0r6pdwhwjr";
const NARINFO = pathOf(`${HASH}.narinfo`);
const LOG = pathOf(`log/${HASH}-gtk+3.drv`);
const FILE_HASH = "15zk4zszw9lgkdkkwy7w11m5vag11n5dhv2i6hj308qpxczvdddx";
const NAR = pathOf(`nar/${FILE_HASH}.nar.xz`);
const INCOMING = incoming("0");
const OTHER_INCOMING = incoming("1");
const TEXT = { contentType: "text/plain" };
const XZ = { contentType: "application/x-nix-nar" };
// S3's smallest part that is not the last.
const PART_BYTES = 5 * 1024 * 1024;

function incoming(digit: string): IncomingPath {
  const path = parseIncomingPath(
    `.incoming/${FILE_HASH}.nar.xz/${"a".repeat(16)}/${digit.repeat(32)}`,
  );
  if (!path.ok) throw new Error(path.error);
  return path.value;
}

async function textOf(stored: { body: ReadableStream } | undefined): Promise<string | undefined> {
  return stored === undefined ? undefined : await new Response(stored.body).text();
}

/** The promises of the port `Bucket` that every implementation keeps. */
export function bucketContract(name: string, open: () => Promise<OpenedBucket>) {
  describe(`${name} keeps the contract of a bucket`, () => {
    it("gives back the bytes that were put, by get, read and head", async () => {
      const { bucket } = await open();
      await bucket.put(NARINFO, bytesOf("text"), TEXT);
      expect(await textOf(await bucket.get(NARINFO))).toBe("text");
      const small = readable(await bucket.read(NARINFO, 4));
      expect(new TextDecoder().decode(small?.bytes)).toBe("text");
      const head = await bucket.head(NARINFO);
      expect(head).toMatchObject({ sizeBytes: 4, contentEncoding: undefined });
      expect(small?.etag).toBe(head?.etag);
      expect((await bucket.get(NARINFO))?.etag).toBe(head?.etag);
    });

    it("has undefined for an object that does not exist", async () => {
      const { bucket } = await open();
      expect(await bucket.get(LOG)).toBeUndefined();
      expect(await bucket.read(LOG, 100)).toBeUndefined();
      expect(await bucket.head(LOG)).toBeUndefined();
    });

    it("tells the tag of what it has stored", async () => {
      const { bucket } = await open();
      const etag = await bucket.put(NARINFO, bytesOf("text"), TEXT);
      expect(etag).toBeDefined();
      expect((await bucket.head(NARINFO))?.etag).toBe(etag);
    });

    it("replaces an object, whose tag then changes", async () => {
      const { bucket } = await open();
      await bucket.put(LOG, bytesOf("old"), TEXT);
      const before = await bucket.head(LOG);
      await bucket.put(LOG, bytesOf("newer"), { ...TEXT, contentEncoding: "zstd" });
      const after = await bucket.head(LOG);
      expect(after).toMatchObject({ sizeBytes: 5, contentEncoding: "zstd" });
      expect(after?.etag).not.toBe(before?.etag);
    });

    it("stores a copy of the bytes, and only those of the view", async () => {
      const { bucket } = await open();
      const memory = bytesOf("left text right");
      await bucket.put(LOG, memory.subarray(5, 9), TEXT);
      memory.fill(0);
      expect(await textOf(await bucket.get(LOG))).toBe("text");
    });

    it("tells an object that is larger than the limit from a fault", async () => {
      const { bucket } = await open();
      await bucket.put(LOG, bytesOf("text"), TEXT);
      expect(await bucket.read(LOG, 3)).toBe("too-large");
    });

    it("answers a range with the part or with the whole, and says which", async () => {
      const { bucket } = await open();
      await bucket.put(NAR, bytesOf("0123456789"), XZ);
      const stored = await bucket.get(NAR, { first: 2, last: 4 });
      const text = await textOf(stored);
      expect([
        { range: undefined, text: "0123456789" },
        { range: { first: 2, last: 4, sizeBytes: 10 }, text: "234" },
      ]).toContainEqual({ range: stored?.range, text });
    });

    it("deletes an object, and succeeds where there is none", async () => {
      const { bucket } = await open();
      await bucket.put(LOG, bytesOf("x"), TEXT);
      await bucket.delete(LOG);
      expect(await bucket.head(LOG)).toBeUndefined();
      await bucket.delete(LOG);
    });

    it("lists the paths below a start in byte order, page by page", async () => {
      const { bucket } = await open();
      for (const path of [NAR, LOG, NARINFO]) await bucket.put(path, bytesOf("x"), TEXT);
      const first = await bucket.list("", { limit: 2 });
      expect(first.objects.map(({ path }) => path)).toEqual([LOG, NAR]);
      expect(first.objects[0]?.sizeBytes).toBe(1);
      const continuation = first.continuation ?? "";
      expect(continuation).not.toBe("");
      const second = await bucket.list("", { limit: 2, continuation });
      expect(second.objects.map(({ path }) => path)).toEqual([NARINFO]);
      expect(second.continuation).toBeUndefined();
      expect([first.isLast, second.isLast]).toEqual([false, true]);
      const behind = await bucket.list("", { after: NAR });
      expect(behind.objects.map(({ path }) => path)).toEqual([NARINFO]);
      expect((await bucket.list("nar/")).objects.map(({ path }) => path)).toEqual([NAR]);
      const flat = await bucket.list("", { isFlat: true });
      expect(flat.objects.map(({ path }) => path)).toEqual([NARINFO]);
      expect(flat.isLast).toBe(true);
      expect(flat.objects[0]?.etag).toBe((await bucket.head(NARINFO))?.etag);
      expect(await isListed(bucket, LOG)).toBe(true);
      expect(await isListed(bucket, incoming("2"))).toBe(false);
    });

    it("makes one object of parts, in the order of their numbers", async () => {
      const { bucket } = await open();
      const [one, two] = [makeBytes(PART_BYTES, 1), bytesOf("end")];
      const upload = await bucket.createUpload(INCOMING, XZ);
      const parts = [await upload.putPart(2, two), await upload.putPart(1, one)];
      expect(await bucket.head(INCOMING)).toBeUndefined();
      expect(
        (await upload.listParts())?.map(({ number, sizeBytes }) => [number, sizeBytes]),
      ).toEqual([
        [1, PART_BYTES],
        [2, 3],
      ]);
      expect(await upload.complete(parts)).toBe("completed");
      expect(await bucket.head(INCOMING)).toMatchObject({ sizeBytes: PART_BYTES + 3 });
      const bytes = await new Response((await bucket.get(INCOMING))?.body).bytes();
      expect(new TextDecoder().decode(bytes.subarray(PART_BYTES))).toBe("end");
      expect(await upload.listParts()).toBeUndefined();
      expect(await upload.complete(parts)).toBe("gone");
    });

    it("takes a part by its signed URL, and lists it", async () => {
      const { bucket, putSigned } = await open();
      const { uploadId } = await bucket.createUpload(INCOMING, XZ);
      const upload = bucket.openUpload(INCOMING, uploadId);
      expect(await upload.listParts()).toEqual([]);
      expect(await putSigned(await upload.signPart(1, 60), bytesOf("part"))).toBe(true);
      expect(await upload.listParts()).toMatchObject([{ number: 1, sizeBytes: 4 }]);
      await upload.abort();
      expect(await putSigned(await upload.signPart(1, 60), bytesOf("part"))).toBe(false);
    });

    it("says that an upload changed if a part is another than its tag", async () => {
      const { bucket } = await open();
      const upload = await bucket.createUpload(INCOMING, XZ);
      const part = await upload.putPart(1, bytesOf("one"));
      await upload.putPart(1, bytesOf("other"));
      expect(await upload.complete([part])).toBe("changed");
    });

    it("lists unfinished uploads below a start, and drops one on abort", async () => {
      const { bucket } = await open();
      const upload = await bucket.createUpload(INCOMING, XZ);
      await bucket.createUpload(OTHER_INCOMING, XZ);
      const listed = async () =>
        (await bucket.listUploads(".incoming/")).map(({ path }) => path).toSorted();
      expect(await listed()).toEqual([INCOMING, OTHER_INCOMING]);
      expect(await bucket.listUploads("nar/")).toEqual([]);
      await upload.abort();
      await upload.abort();
      expect(await listed()).toEqual([OTHER_INCOMING]);
    });

    it("copies the very object that a tag names, or says why not", async () => {
      const { bucket } = await open();
      const upload = await bucket.createUpload(INCOMING, XZ);
      await upload.complete([await upload.putPart(1, bytesOf("nar"))]);
      const { etag = "" } = (await bucket.head(INCOMING)) ?? {};
      const source = { etag, sizeBytes: 3, contentType: XZ.contentType };
      expect(await bucket.copy(INCOMING, NAR, { ...source, etag: '"other"' })).toBe("changed");
      expect(await bucket.head(NAR)).toBeUndefined();
      expect(await bucket.copy(INCOMING, NAR, source)).toBe("copied");
      expect(await textOf(await bucket.get(NAR))).toBe("nar");
      await bucket.delete(NAR);
      expect(await bucket.copy(INCOMING, NAR, { ...source, etag: undefined })).toBe("copied");
      expect(await textOf(await bucket.get(NAR))).toBe("nar");
      await bucket.delete(INCOMING);
      expect(await bucket.copy(INCOMING, NAR, source)).toBe("gone");
    });
  });
}
