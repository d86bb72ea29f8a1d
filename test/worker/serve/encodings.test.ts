import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readFromBucket } from "../../../src/worker/serve/origin.ts";
import { HELLO_NARINFO } from "../../nix/data/cache-nixos-org.ts";
import { B2_PREFIX, keyOf, openB2 } from "../../../testkit/workerd/b2.ts";
import { createTestLog } from "../../../testkit/workerd/log.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

// Against the fake B2 over HTTP: decoding is the platform's and happens in fetch.

const NARINFO = keyOf("narinfo", "w9yy7v61ipb5rx6i35zq1mvc2iqfmps1.narinfo");
const NAR = keyOf("nar", "nar/15zk4zszw9lgkdkkwy7w11m5vag11n5dhv2i6hj308qpxczvdddx.nar.xz");
const LOG = keyOf("log", "log/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10.drv");
const LISTING = keyOf("listing", "w9yy7v61ipb5rx6i35zq1mvc2iqfmps1.ls");

const ENCODERS = {
  gzip: (text: string) => new Uint8Array(gzipSync(text)),
  br: (text: string) => new Uint8Array(brotliCompressSync(text)),
} as const;

async function openReader() {
  const { bucket, fake } = await openB2();
  const { log, lines } = createTestLog();
  return {
    fake,
    lines,
    read: async (key: Parameters<typeof readFromBucket>[0]) =>
      (await readFromBucket(key, undefined, { bucket, storeDir: "/nix/store", log })).response,
  };
}

describe.each(["gzip", "br"] as const)("what is stored as %s", (encoding) => {
  const encode = ENCODERS[encoding];

  it("is decoded and checked, if it is a narinfo", async () => {
    const { fake, read, lines } = await openReader();
    const stored = encode(HELLO_NARINFO);
    await fake.putObject(B2_PREFIX + NARINFO.path, stored, { "content-encoding": encoding });
    const response = await read(NARINFO);
    expect(response.headers.has("content-encoding")).toBe(false);
    expect(response.headers.get("content-length")).toBe(String(HELLO_NARINFO.length));
    expect(response.headers.get("cache-control")).toContain("max-age=3600");
    expect(await response.text()).toBe(HELLO_NARINFO);
    expect(lines).toEqual([]);
  });

  it("fails as cut short, if it is half a narinfo", async () => {
    const { fake, read } = await openReader();
    const stored = encode(HELLO_NARINFO);
    await fake.putObject(B2_PREFIX + NARINFO.path, stored, { "content-encoding": encoding });
    await fake.addFaults({ effect: { cutAfterBytes: 50 } });
    expect(await rejectionOf(read(NARINFO))).toMatchObject({ code: "bucket-unavailable" });
  });

  it.each([
    { what: "a log", key: LOG },
    { what: "a listing", key: LISTING },
    { what: "a NAR", key: NAR },
  ])("is passed on unread with its encoding and its length, if it is $what", async ({ key }) => {
    const { fake, read } = await openReader();
    const stored = encode("text");
    await fake.putObject(B2_PREFIX + key.path, stored, { "content-encoding": encoding });
    const response = await read(key);
    expect(response.headers.get("content-encoding")).toBe(encoding);
    expect(response.headers.get("content-length")).toBe(String(stored.length));
    await response.body?.cancel();
  });
});

describe.each(["zstd", "xz", "bzip2"])("what is stored as %s", (encoding) => {
  it("is passed on as it is, with its encoding", async () => {
    const { fake, read } = await openReader();
    await fake.putObject(B2_PREFIX + LOG.path, "as stored", { "content-encoding": encoding });
    const response = await read(LOG);
    expect(response.headers.get("content-encoding")).toBe(encoding);
    expect(response.headers.get("content-length")).toBe("9");
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await response.text()).toBe("as stored");
  });
});

describe("a narinfo whose connection breaks", () => {
  it("is read again, up to four times in all", async () => {
    const { fake, read } = await openReader();
    await fake.putObject(B2_PREFIX + NARINFO.path, HELLO_NARINFO);
    await fake.addFaults({ effect: { cutAfterBytes: 100 }, count: 3 });
    expect(await (await read(NARINFO)).text()).toBe(HELLO_NARINFO);
    expect(await fake.countRequests()).toBe(4);
  });

  it("is an unavailable bucket after that, and not half a narinfo", async () => {
    const { fake, read } = await openReader();
    await fake.putObject(B2_PREFIX + NARINFO.path, HELLO_NARINFO);
    await fake.addFaults({ effect: { cutAfterBytes: 100 } });
    expect(await rejectionOf(read(NARINFO))).toMatchObject({ code: "bucket-unavailable" });
    expect(await fake.countRequests()).toBe(4);
  });
});
