import { describe, expect, it } from "vitest";
import {
  errorOf,
  linesOf,
  openUploads,
  post,
  sendParts,
  start,
  uploadOf,
} from "../../../../testkit/workerd/api.ts";
import { cutPart, makeLargeNar } from "../../../../testkit/workerd/direct-upload.ts";
import {
  ADMIN_TOKEN,
  OTHER_TOKEN,
  PREFIX,
  startGateway,
  startGatewayOfTwo,
  type TestGateway,
} from "../../../../testkit/workerd/gateway.ts";
import { sha256Hex } from "../../../../testkit/sha256-hex.ts";

const MIB = 1024 * 1024;
const FILE_HASH = "05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56";
const REQUEST = { fileHash: FILE_HASH, size: 17 * MIB, extension: ".zst" };

async function storedUnder(gateway: TestGateway, key: string): Promise<string | undefined> {
  const object = await gateway.bucket.getObject(PREFIX + key);
  return object === undefined ? undefined : await sha256Hex(new Uint8Array(object.bytes));
}

describe("POST /api/v1/uploads", () => {
  it("opens an upload: a handle, the plan, and a URL for each part", async () => {
    const gateway = await startGateway();
    const before = Date.now();
    const response = await post(gateway, "uploads", REQUEST);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const started = await response.json<Record<string, unknown>>();
    expect(started).toEqual({
      status: "open",
      handle: expect.stringMatching(/^[\w.-]+$/),
      handleExpires: expect.any(String),
      size: 17 * MIB,
      partSize: 16 * MIB,
      parts: [],
      urls: [1, 2].map((number) => ({ number, url: expect.stringContaining("X-Amz-Signature=") })),
      urlsExpire: expect.any(String),
    });
    const day = Date.parse(String(started["handleExpires"])) - before;
    expect(Math.round(day / 3_600_000)).toBe(24);
    const hour = Date.parse(String(started["urlsExpire"])) - before;
    expect(Math.round(hour / 60_000)).toBe(60);
    expect(await openUploads(gateway)).toHaveLength(1);
    expect(await gateway.bucket.listKeys()).toEqual([]);
  });

  it("signs a hundred URLs at first, of a NAR that has more parts", async () => {
    const gateway = await startGateway();
    const response = await post(gateway, "uploads", { ...REQUEST, size: 16 * MIB * 101 });
    const { urls } = await response.json<{ urls: { number: number }[] }>();
    expect(urls.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  it("has nothing to do where the NAR is stored, also by an admin", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    await gateway.bucket.putObject(PREFIX + nar.key.path, nar.bytes);
    const response = await post(gateway, "uploads", uploadOf(nar), ADMIN_TOKEN);
    expect(await response.json()).toEqual({ status: "stored" });
    expect(await openUploads(gateway)).toEqual([]);
  });

  it.each([
    { what: "no fileHash", change: { fileHash: undefined }, named: "fileHash" },
    { what: "a fileHash that is a number", change: { fileHash: 7 }, named: "fileHash" },
    { what: "a short fileHash", change: { fileHash: "0".repeat(51) }, named: "fileHash" },
    { what: "a fileHash in hex", change: { fileHash: "0a".repeat(32) }, named: "fileHash" },
    { what: "a letter that nix32 lacks", change: { fileHash: "e".repeat(52) }, named: "fileHash" },
    { what: "more bits than 256", change: { fileHash: "z".repeat(52) }, named: "fileHash" },
    { what: "a path", change: { fileHash: `../${"0".repeat(49)}` }, named: "fileHash" },
    { what: "no extension", change: { extension: undefined }, named: "extension" },
    { what: "an unknown extension", change: { extension: ".exe" }, named: "extension" },
    { what: "an extension without its dot", change: { extension: "zst" }, named: "extension" },
    { what: "an extension that leads on", change: { extension: ".zst/x" }, named: "extension" },
    { what: "no size", change: { size: undefined }, named: "size" },
    { what: "a size in quotes", change: { size: "17825792" }, named: "size" },
    { what: "half a byte", change: { size: 17 * MIB + 0.5 }, named: "size" },
    { what: "less than nothing", change: { size: -1 }, named: "size" },
    { what: "an endless size", change: { size: 1e300 }, named: "size" },
  ])("refuses $what, and names the field", async ({ change, named }) => {
    const gateway = await startGateway();
    const response = await post(gateway, "uploads", { ...REQUEST, ...change });
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error.code).toBe("upload-malformed");
    expect(error.message).toContain(named);
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it.each([
    { size: 16 * MIB, status: 400, code: "upload-too-small" },
    { size: 1, status: 400, code: "upload-too-small" },
    { size: 1e12 + 1, status: 413, code: "body-too-large" },
  ])("refuses a NAR of $size bytes: $code", async ({ size, status, code }) => {
    const gateway = await startGateway();
    const response = await post(gateway, "uploads", { ...REQUEST, size });
    expect(response.status).toBe(status);
    expect((await errorOf(response)).code).toBe(code);
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it.each([16 * MIB + 1, 1e12])("takes a NAR of %i bytes", async (size) => {
    const response = await post(await startGateway(), "uploads", { ...REQUEST, size });
    expect(response.status).toBe(200);
  });

  it.each([
    { what: "is down", effect: { status: 503 }, status: 503, code: "bucket-unavailable" },
    { what: "refuses its key", effect: { status: 403 }, status: 500, code: "misconfigured" },
  ])("says that the bucket $what", async ({ effect, status, code }) => {
    const gateway = await startGateway();
    await gateway.bucket.addFaults({ match: { operation: "ListMultipartUploads" }, effect });
    const response = await post(gateway, "uploads", REQUEST);
    expect(response.status).toBe(status);
    expect((await errorOf(response)).code).toBe(code);
    expect(response.headers.has("retry-after")).toBe(status === 503);
  });
});

describe("an upload that is continued", () => {
  it("has the parts that it had, for the same token", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const first = await start(gateway, nar);
    await sendParts({ ...first, urls: first.urls.slice(0, 1) }, nar.bytes);
    const second = await start(gateway, nar);
    expect(second.parts).toEqual([{ number: 1, size: 16 * MIB }]);
    expect(second.urls.map(({ number }) => number)).toEqual([2]);
    expect(await openUploads(gateway)).toHaveLength(1);
    await sendParts(second, nar.bytes);
    const lines = await linesOf(await post(gateway, "uploads/complete", { handle: first.handle }));
    expect(lines.at(-1)).toEqual({ status: "stored" });
  });

  it("is another's for another token", async () => {
    const gateway = await startGatewayOfTwo();
    const nar = await makeLargeNar();
    await sendParts(await start(gateway, nar), nar.bytes);
    const other = await start(gateway, nar, OTHER_TOKEN);
    expect(other.parts).toEqual([]);
    expect(await openUploads(gateway)).toHaveLength(2);
  });
});

describe("POST /api/v1/uploads/urls", () => {
  it("signs the parts that are asked for, without asking the bucket", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const { handle } = await start(gateway, nar);
    await gateway.bucket.clearRequests();
    const response = await post(gateway, "uploads/urls", { handle, parts: [2] });
    expect(response.status).toBe(200);
    const signed = await response.json<{ urls: { number: number; url: string }[] }>();
    expect(signed).toEqual({
      urls: [{ number: 2, url: expect.any(String) }],
      urlsExpire: expect.any(String),
    });
    expect(await gateway.bucket.countRequests()).toBe(0);
    const url = signed.urls[0]?.url ?? "";
    const put = await fetch(url, { method: "PUT", body: cutPart(nar.bytes, 2) });
    expect(put.status).toBe(200);
    await put.body?.cancel();
  });

  it.each([
    { what: "no parts", parts: undefined },
    { what: "a number", parts: 2 },
    { what: "part 0", parts: [0] },
    { what: "half a part", parts: [1.5] },
    { what: "a part in quotes", parts: ["1"] },
    { what: "a part past the last", parts: [3] },
    { what: "more than a hundred", parts: Array.from({ length: 101 }, () => 1) },
  ])("refuses $what", async ({ parts }) => {
    const gateway = await startGateway();
    const { handle } = await start(gateway, await makeLargeNar());
    const response = await post(gateway, "uploads/urls", { handle, parts });
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error.code).toBe("upload-malformed");
    expect(error.message).toContain("parts");
  });
});

describe("POST /api/v1/uploads/parts", () => {
  it("lists what the bucket has", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const started = await start(gateway, nar);
    const { handle } = started;
    const list = async () => (await post(gateway, "uploads/parts", { handle })).json();
    expect(await list()).toEqual({ parts: [] });
    await sendParts(started, nar.bytes);
    expect(await list()).toEqual({
      parts: [
        { number: 1, size: 16 * MIB },
        { number: 2, size: 1000 },
      ],
    });
  });
});

describe("POST /api/v1/uploads/abort", () => {
  it("drops the upload, and may be repeated; its handle and its URLs then lead nowhere", async () => {
    const gateway = await startGateway();
    const started = await start(gateway, await makeLargeNar());
    const { handle } = started;
    for (let time = 0; time < 2; time++) {
      const response = await post(gateway, "uploads/abort", { handle });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe("");
      expect(await openUploads(gateway)).toEqual([]);
    }
    for (const path of ["uploads/parts", "uploads/complete"]) {
      const response = await post(gateway, path, { handle });
      expect(response.status).toBe(404);
      expect((await errorOf(response)).code).toBe("upload-gone");
    }
    const put = await fetch(started.urls[0]?.url ?? "", { method: "PUT", body: "x" });
    expect(put.status).toBe(404);
    expect(await put.text()).toContain("NoSuchUpload");
  });

  it("does not say that it is dropped while the bucket is down", async () => {
    const gateway = await startGateway();
    const { handle } = await start(gateway, await makeLargeNar());
    await gateway.bucket.addFaults({
      match: { operation: "AbortMultipartUpload" },
      effect: { status: 503 },
    });
    expect((await post(gateway, "uploads/abort", { handle })).status).toBe(503);
  });
});

describe("what the log holds of an upload", () => {
  it("is the NAR's name and the token's, and neither URL nor handle nor upload id", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const started = await start(gateway, nar);
    await sendParts(started, nar.bytes);
    await post(gateway, "uploads/urls", { handle: started.handle, parts: [1] });
    await post(gateway, "uploads/parts", { handle: started.handle });
    await post(gateway, "uploads/complete", { handle: started.handle });
    await post(gateway, "uploads/complete", { handle: `${started.handle}x` });
    const text = JSON.stringify(gateway.log);
    const uploadId = new URL(started.urls[0]?.url ?? "").searchParams.get("uploadId");
    expect(uploadId).toBeTruthy();
    for (const secret of [uploadId ?? "", started.handle, "X-Amz", "partNumber", "http"]) {
      expect(text).not.toContain(secret);
    }
    expect(gateway.log[0]).toMatchObject({
      code: "request",
      method: "POST",
      route: "api",
      path: nar.key.path,
      token: "tests",
      status: 200,
    });
    expect(await storedUnder(gateway, nar.key.path)).toBe(nar.sha256);
  });
});
