import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
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

function hash(algorithm: string, text: string, encoding: "hex" | "base64" = "hex"): string {
  return createHash(algorithm).update(text).digest(encoding);
}

/** Sends a PUT of which only a part arrives, or one without a length. */
async function putRaw(
  key: string,
  headers: Readonly<Record<string, string>>,
  chunk: string,
  then: "hang-up" | "end",
): Promise<number | undefined> {
  const signed = await s3.sign("PUT", key);
  return new Promise((resolve) => {
    const request = httpRequest(signed.url, {
      method: "PUT",
      headers: { ...Object.fromEntries(signed.headers), ...headers },
    });
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", () => resolve(undefined));
    request.write(chunk, () => {
      if (then === "end") request.end();
      else request.destroy();
    });
  });
}

describe("a PUT that must not be stored", () => {
  const refused: { what: string; headers: Record<string, string>; status: number; code: string }[] =
    [
      {
        what: "if-none-match",
        headers: { "if-none-match": "*" },
        status: 501,
        code: "NotImplemented",
      },
      { what: "if-match", headers: { "if-match": '"x"' }, status: 501, code: "NotImplemented" },
      {
        what: "aws-chunked",
        headers: { "content-encoding": "aws-chunked" },
        status: 501,
        code: "NotImplemented",
      },
      {
        what: "a wrong Content-MD5",
        headers: { "content-md5": hash("md5", "else", "base64") },
        status: 400,
        code: "BadDigest",
      },
      {
        what: "a Content-MD5 that is none",
        headers: { "content-md5": "abc" },
        status: 400,
        code: "InvalidDigest",
      },
      {
        what: "another payload hash",
        headers: { "x-amz-content-sha256": hash("sha256", "else") },
        status: 400,
        code: "XAmzContentSHA256Mismatch",
      },
    ];

  it.each(refused)("refuses $what", async ({ headers, status, code }) => {
    await s3.send("PUT", "kept", { body: "old" });
    const reply = await s3.send("PUT", "kept", { body: "new", headers });
    expect([reply.status, reply.element("Code")]).toEqual([status, code]);
    expect((await s3.send("GET", "kept")).text).toBe("old");
  });

  it("accepts digests that are right", async () => {
    const headers = {
      "content-md5": hash("md5", "new", "base64"),
      "x-amz-content-sha256": hash("sha256", "new"),
    };
    expect((await s3.send("PUT", "digests", { body: "new", headers })).status).toBe(200);
  });

  it("publishes nothing of a body that breaks off", async () => {
    await s3.send("PUT", "cut", { body: "old" });
    await putRaw("cut", { "content-length": "1000" }, "n".repeat(500), "hang-up");
    const refusals = { key: "cut", method: "PUT", status: 400 };
    await expect.poll(() => fake.server.requests.count(refusals)).toBe(1);
    expect((await s3.send("GET", "cut")).text).toBe("old");
  });

  it("refuses a body without a length", async () => {
    const status = await putRaw("chunked", { "transfer-encoding": "chunked" }, "body", "end");
    expect(status).toBe(411);
    expect((await s3.send("GET", "chunked")).status).toBe(404);
  });

  it("refuses an object that is too large, unread", async () => {
    const length = String(5 * 1024 ** 3 + 1);
    expect(await putRaw("huge", { "content-length": length }, "x", "end")).toBe(400);
  });
});
