import { describe, expect, it } from "vitest";
import {
  createIncomingPath,
  incomingFolder,
  type IncomingPath,
} from "../../../src/worker/bucket/incoming-path.ts";
import { B2_PREFIX, openB2, type TestB2 } from "../../../testkit/workerd/b2.ts";
import { NAR } from "../../../testkit/workerd/edge.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";
import { makeBytes } from "../../../testkit/store-path.ts";

const MIB = 1024 * 1024;
const contentType = "application/x-nix-nar";
const SMALL = makeBytes(100_000, 1);
// Three ranges, the last of which is shorter.
const LARGE = makeBytes(11 * MIB + 5, 2);
const RANGES = { maxSingleBytes: MIB, rangeBytes: 5 * MIB };

interface Prepared extends TestB2 {
  readonly from: IncomingPath;
  copy(etag?: string): Promise<"copied" | "changed" | "gone">;
  stored(): ReturnType<TestB2["fake"]["getObject"]>;
}

/** A bucket with an object to be copied, in ranges if it is large. */
async function prepare(bytes: Uint8Array<ArrayBuffer>): Promise<Prepared> {
  const b2 = await openB2({ copyLimits: RANGES });
  const from = createIncomingPath(incomingFolder(NAR, "0123456789abcdef"), "parts");
  await b2.fake.putObject(B2_PREFIX + from, bytes, { "content-type": contentType });
  const head = await b2.bucket.head(from);
  const sizeBytes = bytes.byteLength;
  return {
    ...b2,
    from,
    copy: (etag = head?.etag ?? "") =>
      b2.bucket.copy(from, NAR.path, { etag, sizeBytes, contentType }),
    stored: () => b2.fake.getObject(B2_PREFIX + NAR.path),
  };
}

const KINDS = [
  { what: "one request", bytes: SMALL, operation: "CopyObject", count: 1 },
  { what: "ranges", bytes: LARGE, operation: "UploadPartCopy", count: 3 },
];

describe("copy", () => {
  it.each(KINDS)("copies bytes and type by $what", async ({ bytes, operation, count }) => {
    const { copy, stored, fake } = await prepare(bytes);
    expect(await copy()).toBe("copied");
    const object = await stored();
    expect(object?.bytes).toEqual(bytes);
    expect(object?.headers["content-type"]).toBe(contentType);
    expect(await fake.countRequests({ operation })).toBe(count);
  });

  it.each([
    { what: "the largest that goes at once", sizeBytes: MIB, operation: "CopyObject" },
    { what: "a byte more", sizeBytes: MIB + 1, operation: "UploadPartCopy" },
  ])("takes $what for what it is", async ({ sizeBytes, operation }) => {
    const { copy, fake } = await prepare(makeBytes(sizeBytes, 3));
    expect(await copy()).toBe("copied");
    expect(await fake.countRequests({ operation })).toBe(1);
  });

  it.each(KINDS)("copies by $what nothing but the object that is meant", async ({ bytes }) => {
    const { copy, stored, bucket, fake } = await prepare(bytes);
    expect(await copy('"0123456789abcdef0123456789abcdef"')).toBe("changed");
    expect(await stored()).toBeUndefined();
    expect(await bucket.listUploads("")).toEqual([]);
    expect(await fake.countRequests({ operation: "CompleteMultipartUpload" })).toBe(0);
  });

  it("copies no further ranges once one of them failed", async () => {
    const { bucket, fake } = await openB2({ copyLimits: { maxSingleBytes: 1, rangeBytes: 1000 } });
    const from = createIncomingPath(incomingFolder(NAR, "0123456789abcdef"), "parts");
    await fake.putObject(B2_PREFIX + from, SMALL);
    const etag = (await bucket.head(from))?.etag ?? "";
    const operation = "UploadPartCopy";
    await fake.addFaults({ match: { operation }, effect: { code: "AccessDenied" }, count: 1 });
    const source = { etag, sizeBytes: SMALL.byteLength, contentType };
    expect((await rejectionOf(bucket.copy(from, NAR.path, source))).code).toBe("misconfigured");
    expect(await fake.countRequests({ operation })).toBeLessThan(20);
    expect(await bucket.listUploads("")).toEqual([]);
  });

  it.each(KINDS)(
    "takes by $what a conflict for a fault that passes",
    async ({ bytes, operation }) => {
      const { copy, fake } = await prepare(bytes);
      await fake.addFaults({ match: { operation }, effect: { status: 409, code: "Conflict" } });
      expect((await rejectionOf(copy())).code).toBe("bucket-unavailable");
    },
  );

  it.each(KINDS)("by $what says so where there is none", async ({ bytes }) => {
    const { copy, stored, bucket, from } = await prepare(bytes);
    await bucket.delete(from);
    expect(await copy()).toBe("gone");
    expect(await stored()).toBeUndefined();
    expect(await bucket.listUploads("")).toEqual([]);
  });

  it.each(KINDS)(
    "by $what takes an error inside a 200 for the error that it is",
    async ({ bytes, operation }) => {
      const { copy, stored, bucket, fake } = await prepare(bytes);
      await fake.addFaults({
        match: { operation },
        effect: { status: 200, code: "InternalError" },
      });
      const error = await rejectionOf(copy());
      expect(error.code).toBe("bucket-unavailable");
      expect(error.message).toContain(`${operation} ended with InternalError`);
      expect(await stored()).toBeUndefined();
      expect(await bucket.listUploads("")).toEqual([]);
    },
  );

  it.each(KINDS)("by $what gets over one that passes", async ({ bytes, operation }) => {
    const { copy, stored, fake } = await prepare(bytes);
    await fake.addFaults(
      { match: { operation }, effect: { status: 200, code: "InternalError" }, count: 1 },
      { match: { operation }, effect: { status: 503 }, count: 1 },
      { match: { operation }, effect: { dropConnection: "after-commit" }, count: 1 },
    );
    expect(await copy()).toBe("copied");
    expect((await stored())?.bytes).toEqual(bytes);
  });

  it.each(KINDS)("by $what does not repeat a refusal inside a 200", async (kind) => {
    const { copy, fake } = await prepare(kind.bytes);
    await fake.addFaults({
      match: { operation: kind.operation },
      effect: { status: 200, code: "PreconditionFailed" },
    });
    expect(await copy()).toBe("changed");
    expect(await fake.countRequests({ operation: kind.operation })).toBe(kind.count);
  });

  it("drops the upload of ranges whose completion fails", async () => {
    const { copy, stored, bucket, fake } = await prepare(LARGE);
    await fake.addFaults({
      match: { operation: "CompleteMultipartUpload" },
      effect: { status: 403 },
    });
    expect((await rejectionOf(copy())).code).toBe("misconfigured");
    expect(await stored()).toBeUndefined();
    expect(await bucket.listUploads("")).toEqual([]);
  });

  it("copies from below a prefix of any characters", async () => {
    const prefix = "nix+a=b@c/_d.e-f/";
    const { bucket, fake } = await openB2({ config: { prefix } });
    const from = createIncomingPath(incomingFolder(NAR, "0123456789abcdef"), "parts");
    await fake.putObject(prefix + from, SMALL);
    const etag = (await bucket.head(from))?.etag ?? "";
    const source = { etag, sizeBytes: SMALL.byteLength, contentType };
    expect(await bucket.copy(from, NAR.path, source)).toBe("copied");
    expect((await fake.getObject(prefix + NAR.path))?.bytes).toEqual(SMALL);
  });
});
