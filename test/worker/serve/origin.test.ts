import { describe, expect, it } from "vitest";
import type { StoredObject } from "../../../src/worker/bucket/bucket.ts";
import { CacheError } from "../../../src/worker/cache-error.ts";
import { readFromBucket } from "../../../src/worker/serve/origin.ts";
import { HELLO_NARINFO } from "../../nix/data/cache-nixos-org.ts";
import { NAR_HEAD } from "../../../testkit/store-path.ts";
import { keyOf } from "../../../testkit/workerd/b2.ts";
import { createTestLog } from "../../../testkit/workerd/log.ts";
import { createMemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const NARINFO = keyOf("narinfo", "w9yy7v61ipb5rx6i35zq1mvc2iqfmps1.narinfo");
const FILE_HASH = "15zk4zszw9lgkdkkwy7w11m5vag11n5dhv2i6hj308qpxczvdddx";
const NAR = keyOf("nar", `nar/${FILE_HASH}.nar`);
const OLD_NAR = keyOf("nar", "nar/old-name.nar.xz");
const LOG = keyOf("log", "log/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10.drv");

interface Made extends Partial<StoredObject> {
  readonly text: string;
}

/** A bucket that gives these answers, one after another, and the last for ever. */
function readerOf(...answers: readonly (Made | undefined)[]) {
  const { log, lines } = createTestLog();
  let asked = 0;
  const answer = () => {
    const made = answers[Math.min(asked, answers.length - 1)];
    asked++;
    if (made === undefined) return undefined;
    const { text, ...others } = made;
    const bytes = new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
    return {
      bytes: bytes.buffer,
      sizeBytes: bytes.length,
      etag: '"bucket-tag"',
      lastModified: "Wed, 25 Nov 2026 12:00:00 GMT",
      contentEncoding: undefined,
      range: undefined,
      body: new Blob([bytes]).stream(),
      ...others,
    };
  };
  const bucket = {
    ...createMemoryBucket(),
    get: async () => answer(),
    read: async () => answer(),
  };
  return {
    lines,
    asked: () => asked,
    read: async (
      key: Parameters<typeof readFromBucket>[0],
      range?: Parameters<typeof readFromBucket>[1],
    ) => (await readFromBucket(key, range, { bucket, storeDir: "/nix/store", log })).response,
  };
}

describe("readFromBucket of a narinfo", () => {
  it("gives it whole, with what the bucket says of it and the type of its kind", async () => {
    const { read, lines } = readerOf({ text: HELLO_NARINFO });
    const response = await read(NARINFO);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      "cache-control": "public, max-age=3600, stale-if-error=86400",
      "content-length": String(HELLO_NARINFO.length),
      "content-type": "text/x-nix-narinfo",
      etag: '"bucket-tag"',
      "last-modified": "Wed, 25 Nov 2026 12:00:00 GMT",
    });
    expect(await response.text()).toBe(HELLO_NARINFO);
    expect(lines).toEqual([]);
  });

  it("gives it whole even to a range, which no Nix asks for", async () => {
    const response = await readerOf({ text: HELLO_NARINFO }).read(NARINFO, { first: 0, last: 1 });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(HELLO_NARINFO);
  });

  it.each([
    { what: "malformed", text: "StorePath: x\n", detail: expect.stringContaining("StorePath") },
    { what: "empty", text: "", detail: "the narinfo is empty" },
    { what: "a page", text: "<html></html>\n", detail: expect.stringContaining("line 1") },
    {
      what: "about another path",
      text: HELLO_NARINFO.replace("/w9yy7", "/x9yy7"),
      detail: "the narinfo is about another store path",
    },
    {
      what: "preceded by a byte order mark, which Nix would take for a part of the name",
      text: `\uFEFF${HELLO_NARINFO}`,
      detail: "StorePath is missing",
    },
  ])("serves one that is $what as it is, but lets nobody keep it", async ({ text, detail }) => {
    const { read, lines } = readerOf({ text });
    const response = await read(NARINFO);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new TextEncoder().encode(text));
    expect(lines).toEqual([
      { level: "warn", code: "narinfo-corrupt", fields: { path: NARINFO.path, detail } },
    ]);
  });

  it("passes one in an encoding that cannot be read here, unchecked", async () => {
    const { read, lines } = readerOf({ text: "zstd bytes", contentEncoding: "zstd" });
    const response = await read(NARINFO);
    expect(response.headers.get("content-encoding")).toBe("zstd");
    expect(response.headers.get("content-length")).toBe("10");
    expect(lines).toEqual([]);
  });
});

describe("readFromBucket of what is absent", () => {
  it.each([
    { what: "a narinfo", key: NARINFO, cacheControl: "public, max-age=10, stale-if-error=0" },
    { what: "a NAR", key: NAR, cacheControl: "no-store" },
    { what: "a log", key: LOG, cacheControl: "no-store" },
  ])("answers 404 for $what, kept by: $cacheControl", async ({ key, cacheControl }) => {
    const { read, asked } = readerOf(undefined);
    const response = await read(key);
    expect(response.status).toBe(404);
    expect(response.body).toBeNull();
    expect(Object.fromEntries(response.headers)).toEqual({ "cache-control": cacheControl });
    expect(asked()).toBe(1);
  });

  it("never answers 404 for a bucket that fails (law 5)", async () => {
    const failure = new CacheError("bucket-unavailable", "x");
    const fail = async () => {
      throw failure;
    };
    const dependencies = {
      bucket: { ...createMemoryBucket(), get: fail, read: fail },
      storeDir: "/nix/store",
      log: createTestLog().log,
    };
    for (const key of [NARINFO, NAR]) {
      expect(await rejectionOf(readFromBucket(key, undefined, dependencies))).toBe(failure);
    }
  });
});

describe("readFromBucket of a NAR", () => {
  it("tags it with its file hash, and lets everyone keep it for ever", async () => {
    const { read, lines } = readerOf({ text: `${NAR_HEAD}and more` });
    const response = await read(NAR);
    expect(await response.text()).toBe(`${NAR_HEAD}and more`);
    expect(lines).toEqual([]);
    expect(response.headers.get("etag")).toBe(`"${FILE_HASH}"`);
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(response.headers.get("content-type")).toBe("application/x-nix-nar");
    expect(response.headers.get("content-length")).toBe(String(NAR_HEAD.length + 8));
  });

  it.each([
    { what: "an error of another server", text: "<?xml version='1.0'?><Error></Error>" },
    { what: "a page", text: "<!DOCTYPE html><html><body>Sign in</body></html>" },
    { what: "nothing", text: "" },
    { what: "half of the first bytes", text: NAR_HEAD.slice(0, 8) },
  ])("lets nobody keep $what, and the log says so", async ({ text }) => {
    const { read, lines } = readerOf({ text });
    const response = await read(NAR);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toBe(text);
    expect(lines).toMatchObject([
      { code: "nar-suspect", fields: { path: NAR.path, bytes: text.length } },
    ]);
  });

  it.each([
    { what: "has no length", made: { sizeBytes: undefined } },
    { what: "is stored encoded", made: { contentEncoding: "zstd" } },
  ])("lets nobody keep one that $what", async ({ made }) => {
    const response = await readerOf({ text: NAR_HEAD, ...made }).read(NAR);
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  it("lets nobody keep a part of it", async () => {
    const { read } = readerOf({ text: NAR_HEAD });
    const response = await read(NAR, { first: 0, last: 3 });
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  it("is kept for an hour where Nix gives no such extension", async () => {
    const response = await readerOf({ text: "7z" }).read(keyOf("nar", `nar/${FILE_HASH}.nar.7z`));
    expect(response.headers.get("cache-control")).toContain("max-age=3600");
  });

  it("fails where its first bytes do not come", async () => {
    const body = new ReadableStream({
      type: "bytes",
      pull: async () => {
        throw new Error("Network connection lost.");
      },
    });
    const { read } = readerOf({ text: NAR_HEAD, body });
    expect((await rejectionOf(read(NAR))).code).toBe("bucket-unavailable");
  });

  it("leaves the bucket's tag to one whose name promises nothing", async () => {
    const response = await readerOf({ text: "nar" }).read(OLD_NAR);
    expect(response.headers.get("etag")).toBe('"bucket-tag"');
    expect(response.headers.get("cache-control")).toContain("max-age=3600");
  });

  it.each([
    {
      what: "the bucket's part",
      made: { text: "23", sizeBytes: 2, range: { first: 2, last: 3, sizeBytes: 6 } },
    },
    { what: "a part cut out of the bucket's whole answer", made: { text: "012345" } },
  ])("answers a range with $what", async ({ made }) => {
    const response = await readerOf(made).read(NAR, { first: 2, last: 3 });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe("bytes 2-3/6");
    expect(response.headers.get("content-length")).toBe("2");
    expect(response.headers.get("etag")).toBe(`"${FILE_HASH}"`);
    expect(new TextDecoder().decode(await response.arrayBuffer())).toBe("23");
  });

  it("fails for a range outside it", async () => {
    const { read } = readerOf({ text: "012345" });
    expect(await rejectionOf(read(NAR, { first: 6, last: undefined }))).toMatchObject({
      code: "range-not-satisfiable",
    });
  });

  it("passes no length on that the bucket did not give", async () => {
    const response = await readerOf({ text: "nar", sizeBytes: undefined }).read(NAR);
    expect(response.headers.has("content-length")).toBe(false);
  });
});

describe("a narinfo of more than 256 KiB", () => {
  it("is streamed as it is, unread, and nobody may keep it", async () => {
    const { log } = createTestLog();
    const bucket = createMemoryBucket();
    const text = `${HELLO_NARINFO}Note: ${"x".repeat(3 * 1024 * 1024)}\n`;
    bucket.setText(NARINFO.path, text);
    const { response } = await readFromBucket(NARINFO, undefined, {
      bucket,
      storeDir: "/nix/store",
      log,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-type")).toBe("text/x-nix-narinfo");
    expect(await response.text()).toBe(text);
  });
});
