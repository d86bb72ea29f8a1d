import { createHash } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFakeB2, type FakeB2 } from "../../../testkit/node/fake-b2.ts";
import { createS3Client, type S3Client } from "../../../testkit/node/s3-client.ts";

let fake: FakeB2;
let s3: S3Client;

beforeAll(async () => {
  fake = await startFakeB2();
  s3 = createS3Client(fake, fake);
});

afterAll(async () => fake.close());

describe("PutObject and GetObject", () => {
  it("gives back bytes and headers", async () => {
    const headers = {
      "content-type": "text/x-nix-narinfo",
      "cache-control": "public, max-age=3600",
      "content-disposition": "inline",
      "content-language": "en",
      "x-amz-meta-note": "a b",
    };
    const put = await s3.send("PUT", "whole", { body: "hello", headers });
    const etag = `"${createHash("md5").update("hello").digest("hex")}"`;
    expect([put.status, put.headers.get("etag")]).toEqual([200, etag]);
    for (const method of ["GET", "HEAD"]) {
      const reply = await s3.send(method, "whole");
      expect(Object.fromEntries(reply.headers)).toMatchObject({
        ...headers,
        etag,
        "content-length": "5",
        "accept-ranges": "bytes",
        "x-amz-version-id": put.headers.get("x-amz-version-id"),
      });
      expect(Date.parse(reply.headers.get("last-modified") ?? "")).toBeGreaterThan(0);
      expect(reply.text).toBe(method === "GET" ? "hello" : "");
    }
  });

  it("stores a Content-Encoding without looking into the body", async () => {
    const headers = { "content-encoding": "br" };
    await s3.send("PUT", "encoded", { body: "not brotli", headers });
    const reply = await s3.send("HEAD", "encoded");
    expect(reply.headers.get("content-encoding")).toBe("br");
  });

  it.each(["gtk+3.drv", "ü/ñ \u{1f600}", "a//b/", "hm_..zlogout.drv", "CON", "a", "A", "%2e%2e"])(
    "keeps %s apart from any other key",
    async (key) => {
      await s3.send("PUT", `odd/${key}`, { body: key });
      const reply = await s3.send("GET", `odd/${key}`);
      expect([reply.status, reply.text]).toEqual([200, key]);
    },
  );

  it.each([
    { range: "bytes=2-4", status: 206, text: "cde", contentRange: "bytes 2-4/10" },
    { range: "bytes=-2", status: 206, text: "ij", contentRange: "bytes 8-9/10" },
    { range: "bytes=7-", status: 206, text: "hij", contentRange: "bytes 7-9/10" },
    { range: "bytes=0-", status: 200, text: "abcdefghij", contentRange: null },
    { range: "bytes=1-2,5-6", status: 200, text: "abcdefghij", contentRange: null },
  ])("answers $range with $status", async ({ range, status, text, contentRange }) => {
    await s3.send("PUT", "ranged", { body: "abcdefghij" });
    const reply = await s3.send("GET", "ranged", { headers: { range } });
    expect([reply.status, reply.text]).toEqual([status, text]);
    expect(reply.headers.get("content-range")).toBe(contentRange);
    expect(reply.headers.get("content-length")).toBe(String(text.length));
  });

  it("answers 416 past the end", async () => {
    await s3.send("PUT", "ranged", { body: "abcdefghij" });
    const reply = await s3.send("GET", "ranged", { headers: { range: "bytes=10-" } });
    expect([reply.status, reply.element("Code")]).toEqual([416, "InvalidRange"]);
    expect(reply.headers.get("content-range")).toBe("bytes */10");
  });

  it("streams a body larger than any buffer, whole and in part", async () => {
    const body = new Uint8Array(3_000_000).map((_, index) => index % 251);
    await s3.send("PUT", "large", { body });
    const { url, headers } = await s3.sign("GET", "large");
    const whole = await fetch(url, { headers });
    expect(Buffer.compare(Buffer.from(await whole.arrayBuffer()), body)).toBe(0);
    const part = await fetch(url, {
      headers: { ...Object.fromEntries(headers), range: "bytes=1000000-2000000" },
    });
    expect(Buffer.from(await part.arrayBuffer()).equals(body.subarray(1_000_000, 2_000_001))).toBe(
      true,
    );
  });

  it.each([
    { header: "if-none-match", tag: "same", status: 304 },
    { header: "if-none-match", tag: "other", status: 200 },
    { header: "if-match", tag: "same", status: 200 },
    { header: "if-match", tag: "other", status: 412 },
  ])("answers $header with the $tag tag: $status", async ({ header, tag, status }) => {
    const put = await s3.send("PUT", "conditional", { body: "x" });
    const etag = tag === "same" ? (put.headers.get("etag") ?? "") : '"0"';
    const reply = await s3.send("GET", "conditional", { headers: { [header]: etag } });
    expect(reply.status).toBe(status);
    expect((await s3.send("HEAD", "conditional", { headers: { [header]: etag } })).status).toBe(
      status,
    );
  });

  it("answers a presigned URL", async () => {
    await s3.send("PUT", "presigned", { body: "hello" });
    const signer = new AwsV4Signer({
      url: `${fake.endpoint}/${fake.bucket}/presigned?X-Amz-Expires=60`,
      accessKeyId: fake.keyId,
      secretAccessKey: fake.secret,
      service: "s3",
      region: fake.region,
      signQuery: true,
    });
    const { url } = await signer.sign();
    expect(await (await fetch(url)).text()).toBe("hello");
  });
});

describe("what is not there", () => {
  it.each([
    { what: "key", method: "GET", key: "nope", query: "", status: 404, code: "NoSuchKey" },
    {
      what: "subresource",
      method: "GET",
      key: "nope",
      query: "?tagging",
      status: 501,
      code: "NotImplemented",
    },
    {
      what: "bucket operation",
      method: "GET",
      key: "",
      query: "?acl",
      status: 501,
      code: "NotImplemented",
    },
    {
      what: "first list version",
      method: "GET",
      key: "",
      query: "",
      status: 501,
      code: "NotImplemented",
    },
    {
      what: "list type",
      method: "GET",
      key: "",
      query: "?list-type=1",
      status: 501,
      code: "NotImplemented",
    },
    {
      what: "bucket creation",
      method: "PUT",
      key: "",
      query: "",
      status: 501,
      code: "NotImplemented",
    },
    {
      what: "key with a tab",
      method: "PUT",
      key: "a\tb",
      query: "",
      status: 400,
      code: "InvalidRequest",
    },
    {
      what: "key of 1,025 bytes",
      method: "PUT",
      key: "k".repeat(1025),
      query: "",
      status: 400,
      code: "KeyTooLongError",
    },
  ])("answers $code for a $what", async ({ method, key, query, status, code }) => {
    const init = method === "PUT" ? { query, body: "x" } : { query };
    const reply = await s3.send(method, key, init);
    expect([reply.status, reply.element("Code")]).toEqual([status, code]);
    expect(reply.headers.get("content-type")).toBe("application/xml");
  });

  it("answers NoSuchBucket for another bucket", async () => {
    const reply = await createS3Client(fake, fake, "elsewhere").send("GET", "a");
    expect([reply.status, reply.element("Code")]).toEqual([404, "NoSuchBucket"]);
  });

  it("answers HEAD without a body", async () => {
    const reply = await s3.send("HEAD", "nope");
    expect([reply.status, reply.text]).toEqual([404, ""]);
    expect((await s3.send("HEAD", "")).status).toBe(403);
  });
});
