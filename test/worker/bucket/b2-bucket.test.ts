import { describe, expect, it } from "vitest";
import { B2_PREFIX, bytesOf, openB2, pathOf } from "../../../testkit/workerd/b2.ts";
import { sha256Hex } from "../../../testkit/sha256-hex.ts";
import { readable } from "../../../testkit/workerd/small-object.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";
import { makeBytes } from "../../../testkit/store-path.ts";

const HASH = "syd87l2rxw8cbsxmxl853h0r6pdwhwjr";
const NARINFO = pathOf(`${HASH}.narinfo`);
// Every character of a key that S3 clients are known to sign wrongly.
const LOG = pathOf(`log/${HASH}-gtk+3=hm_..z?.drv`.replace("?", "_"));
const DOI = pathOf(`realisations/sha256:${"0a".repeat(32)}!out.doi`);
const TEXT = { contentType: "text/plain" };

async function textOf(stored: { body: ReadableStream } | undefined): Promise<string | undefined> {
  return stored === undefined ? undefined : await new Response(stored.body).text();
}

describe("put and get", () => {
  it.each([
    { what: "a plain name", path: NARINFO },
    { what: "a plus and dots", path: LOG },
    { what: "a colon and an exclamation mark", path: DOI },
  ])("store and give back under $what", async ({ path }) => {
    const { bucket, fake } = await openB2();
    await bucket.put(path, bytesOf("text"), { contentType: "text/x-nix-narinfo" });
    expect((await fake.getObject(B2_PREFIX + path))?.text).toBe("text");
    const stored = await bucket.get(path);
    expect(stored).toMatchObject({ sizeBytes: 4, range: undefined, contentEncoding: undefined });
    expect(await textOf(stored)).toBe("text");
    expect(await bucket.head(path)).toMatchObject({ sizeBytes: 4 });
  });

  it("give a small object whole, and refuse one that is larger than it may be", async () => {
    const { bucket, fake } = await openB2();
    await bucket.put(NARINFO, bytesOf("text"), TEXT);
    const stored = readable(await bucket.read(NARINFO, 4));
    expect(stored).toMatchObject({ sizeBytes: 4, contentEncoding: undefined });
    expect(new TextDecoder().decode(stored?.bytes)).toBe("text");
    expect(await bucket.read(NARINFO, 3)).toBe("too-large");
    // Of the large one, HEAD says that it is an object.
    expect(await fake.countRequests()).toBe(4);
    expect(await bucket.read(DOI, 4)).toBeUndefined();
  });

  it("store an empty object", async () => {
    const { bucket } = await openB2();
    await bucket.put(LOG, bytesOf(""), TEXT);
    expect(readable(await bucket.read(LOG, 0))?.bytes.byteLength).toBe(0);
    const stored = await bucket.get(LOG);
    expect(stored?.sizeBytes).toBe(0);
    expect(await textOf(stored)).toBe("");
  });

  it("keep the type and the encoding that they are told", async () => {
    const { bucket, fake } = await openB2();
    await bucket.put(LOG, bytesOf("…"), { contentType: "text/plain", contentEncoding: "zstd" });
    const stored = await fake.getObject(B2_PREFIX + LOG);
    expect(stored?.headers).toMatchObject({
      "content-type": "text/plain",
      "content-encoding": "zstd",
    });
    expect(await bucket.head(LOG)).toMatchObject({ contentEncoding: "zstd" });
  });

  it("store nothing beside the bytes of a view", async () => {
    const { bucket, fake } = await openB2();
    await bucket.put(LOG, new Uint8Array(bytesOf("left text right").buffer, 5, 4), TEXT);
    expect((await fake.getObject(B2_PREFIX + LOG))?.text).toBe("text");
  });

  it("have the store check the hash that they are told", async () => {
    const { bucket, fake } = await openB2();
    const sha256 = await sha256Hex("text");
    await bucket.put(LOG, bytesOf("text"), { ...TEXT, sha256 });
    const wrong = bucket.put(LOG, bytesOf("texd"), { ...TEXT, sha256 });
    expect((await rejectionOf(wrong)).message).toContain("XAmzContentSHA256Mismatch");
    expect((await fake.getObject(B2_PREFIX + LOG))?.text).toBe("text");
  });

  it("ask once, and count it", async () => {
    const { bucket, fake, meter } = await openB2();
    await bucket.put(LOG, bytesOf("x"), TEXT);
    await bucket.head(LOG);
    expect(meter.requests).toBe(2);
    await fake.addFaults({ effect: { status: 503 }, count: 2 });
    await bucket.head(LOG);
    expect(meter.requests).toBe(5);
    expect(await fake.countRequests()).toBe(5);
  });

  it("send a body again, whole, after a fault", async () => {
    const { bucket, fake } = await openB2();
    const bytes = makeBytes(100_000, 1);
    await fake.addFaults(
      { effect: { status: 503 }, count: 1 },
      { effect: { dropConnection: "before" }, count: 1 },
      { effect: { dropConnection: "after-commit" }, count: 1 },
    );
    await bucket.put(LOG, bytes, TEXT);
    expect((await fake.getObject(B2_PREFIX + LOG))?.bytes).toEqual(bytes);
    expect(await fake.countRequests({ method: "PUT" })).toBe(4);
  });

  it("fail as misconfigured where the bucket refuses for good", async () => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({ effect: { status: 501 } });
    expect(await rejectionOf(bucket.put(LOG, bytesOf("x"), TEXT))).toMatchObject({
      code: "misconfigured",
    });
    expect(await fake.countRequests()).toBe(1);
  });
});

describe("what headOf reads", () => {
  it.each([
    { stored: "aws-chunked", encoding: undefined },
    { stored: "identity", encoding: undefined },
    { stored: "none", encoding: undefined },
    { stored: "aws-chunked,zstd", encoding: "zstd" },
    { stored: "ZSTD", encoding: "zstd" },
    { stored: "xz", encoding: "xz" },
  ])("takes the stored encoding $stored for $encoding", async ({ stored, encoding }) => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + LOG, "bytes", { "content-encoding": stored });
    expect((await bucket.head(LOG))?.contentEncoding).toBe(encoding);
    const object = await bucket.get(LOG);
    expect(object?.contentEncoding).toBe(encoding);
    expect(await textOf(object)).toBe("bytes");
  });

  it("is the bucket's own tag and date", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + LOG, "bytes");
    const head = await bucket.head(LOG);
    expect(head?.etag).toBe((await fake.getObject(B2_PREFIX + LOG))?.etag);
    expect(Date.parse(head?.lastModified ?? "")).toBeGreaterThan(Date.now() - 60_000);
    expect(await bucket.get(LOG)).toMatchObject({ etag: head?.etag });
  });
});

describe("get of a range", () => {
  it.each([
    { what: "a part", range: { first: 2, last: 5 }, text: "2345", stored: { first: 2, last: 5 } },
    {
      what: "the rest",
      range: { first: 7, last: undefined },
      text: "789",
      stored: { first: 7, last: 9 },
    },
    { what: "the end", range: { suffixLength: 2 }, text: "89", stored: { first: 8, last: 9 } },
    {
      what: "more than there is",
      range: { first: 8, last: 99 },
      text: "89",
      stored: { first: 8, last: 9 },
    },
  ])("gives $what and says where it lies", async ({ range, text, stored }) => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + LOG, "0123456789");
    const object = await bucket.get(LOG, range);
    expect(object?.range).toEqual({ ...stored, sizeBytes: 10 });
    expect(await textOf(object)).toBe(text);
  });

  it("may give the whole object, and then says so", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + LOG, "0123456789");
    await fake.addFaults({ effect: { ignoreRange: true } });
    const object = await bucket.get(LOG, { first: 2, last: 5 });
    expect(object?.range).toBeUndefined();
    expect(await textOf(object)).toBe("0123456789");
  });

  it("fails when it lies outside", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + LOG, "0123456789");
    expect(await rejectionOf(bucket.get(LOG, { first: 10, last: undefined }))).toMatchObject({
      code: "range-not-satisfiable",
    });
  });
});

describe("delete", () => {
  it("hides an object", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + LOG, "text");
    await bucket.delete(LOG);
    expect(await bucket.get(LOG)).toBeUndefined();
    expect(await fake.listKeys()).toEqual([]);
  });

  it("is content with one that is not there, whether that is told or not", async () => {
    const { bucket, fake } = await openB2();
    await expect(bucket.delete(LOG)).resolves.toBeUndefined();
    await fake.addFaults({ effect: { status: 404 } });
    await expect(bucket.delete(LOG)).resolves.toBeUndefined();
  });

  it("fails where it is refused", async () => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({ effect: { status: 403 } });
    expect(await rejectionOf(bucket.delete(LOG))).toMatchObject({ code: "misconfigured" });
  });
});

describe("list", () => {
  it("gives paths below the prefix, page by page, in byte order", async () => {
    const { bucket, fake } = await openB2();
    for (const name of ["nar/b&<c>", "nar/a+b", "log/x", "nar/Z"]) {
      await fake.putObject(B2_PREFIX + name, name);
    }
    const first = await bucket.list("nar/", { limit: 2 });
    expect(first.objects).toEqual([
      {
        path: "nar/Z",
        sizeBytes: 5,
        lastModified: expect.any(Date),
        etag: expect.stringMatching(/^".+"$/),
      },
      {
        path: "nar/a+b",
        sizeBytes: 7,
        lastModified: expect.any(Date),
        etag: expect.stringMatching(/^".+"$/),
      },
    ]);
    const { continuation } = first;
    if (continuation === undefined) throw new Error("there should be a second page");
    expect(await bucket.list("nar/", { limit: 2, continuation })).toEqual({
      objects: [
        {
          path: "nar/b&<c>",
          sizeBytes: 9,
          lastModified: expect.any(Date),
          etag: expect.stringMatching(/^".+"$/),
        },
      ],
      continuation: undefined,
      isLast: true,
    });
    expect(first.isLast).toBe(false);
  });

  it("begins behind a text that need not be a path", async () => {
    const { bucket, fake } = await openB2();
    for (const name of ["a", "b", "c"]) await fake.putObject(B2_PREFIX + name, name);
    const { objects, isLast } = await bucket.list("", { after: "ab" });
    expect(objects.map(({ path }) => path)).toEqual(["b", "c"]);
    expect(isLast).toBe(true);
  });

  it("always asks for the prefix, and so never sees what lies beside it (law 1)", async () => {
    const { bucket, fake, sent } = await openB2();
    await fake.putObject("nix/other", "x");
    await fake.putObject("nix/cache", "x");
    await fake.putObject(`${B2_PREFIX}nar/a`, "x");
    expect((await bucket.list("")).objects.map(({ path }) => path)).toEqual(["nar/a"]);
    await bucket.list("../");
    expect(sent.map(({ query }) => query?.["prefix"])).toEqual([B2_PREFIX, `${B2_PREFIX}../`]);
    expect(await fake.countRequests({ operation: "ListObjectsV2" })).toBe(2);
  });
});
