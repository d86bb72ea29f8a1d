import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { FaultEffect } from "../../../tools/b2-server/fault-injector.ts";
import { startFakeB2, type FakeB2 } from "../../../testkit/node/fake-b2.ts";
import { createS3Client, type S3Client } from "../../../testkit/node/s3-client.ts";

const BODY = "abcdefghij";

let fake: FakeB2;
let s3: S3Client;

beforeAll(async () => {
  fake = await startFakeB2();
  s3 = createS3Client(fake, fake);
  await s3.send("PUT", "a", { body: BODY });
});

afterEach(() => fake.server.faults.clear());
afterAll(async () => fake.close());

function inject(effect: FaultEffect, operation = "GetObject"): void {
  fake.server.faults.add({ match: { operation }, effect, count: 1 });
}

/** Reads until the end, or until the connection breaks. */
async function readAvailable(headers: Record<string, string> = {}): Promise<{
  announced: string | null;
  text: string;
  broken: boolean;
}> {
  const signed = await s3.sign("GET", "a", { headers });
  const response = await fetch(signed.url, { headers: signed.headers });
  let text = "";
  let broken = false;
  try {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  } catch {
    broken = true;
  }
  return { announced: response.headers.get("content-length"), text, broken };
}

describe("an error instead of an answer", () => {
  it.each<{ effect: FaultEffect; status: number; code: string }>([
    { effect: { status: 503 }, status: 503, code: "SlowDown" },
    { effect: { code: "ServiceUnavailable" }, status: 503, code: "ServiceUnavailable" },
    { effect: { status: 429 }, status: 429, code: "SlowDown" },
    { effect: { status: 500 }, status: 500, code: "InternalError" },
    { effect: { status: 403 }, status: 403, code: "AccessDenied" },
    { effect: { status: 418, code: "Teapot" }, status: 418, code: "Teapot" },
  ])("$effect", async ({ effect, status, code }) => {
    inject(effect);
    const reply = await s3.send("GET", "a");
    expect([reply.status, reply.element("Code")]).toEqual([status, code]);
    expect((await s3.send("GET", "a")).text).toBe(BODY);
  });

  it("carries headers and a message", async () => {
    inject({ status: 503, message: "slow & steady", headers: { "retry-after": "2" } });
    const reply = await s3.send("GET", "a");
    expect(reply.headers.get("retry-after")).toBe("2");
    expect(reply.element("Message")).toBe("slow &amp; steady");
  });

  it("may be HTML, or nothing", async () => {
    inject({ status: 502, html: true });
    const html = await s3.send("GET", "a");
    expect([html.status, html.headers.get("content-type")]).toEqual([502, "text/html"]);
    inject({ status: 500, bodyless: true });
    const empty = await s3.send("GET", "a");
    expect([empty.status, empty.text]).toEqual([500, ""]);
  });

  it("comes before or after a write takes effect", async () => {
    inject({ status: 500 }, "PutObject");
    expect((await s3.send("PUT", "before", { body: "x" })).status).toBe(500);
    expect((await s3.send("GET", "before")).status).toBe(404);
    inject({ status: 500, afterCommit: true }, "PutObject");
    expect((await s3.send("PUT", "after", { body: "x" })).status).toBe(500);
    expect((await s3.send("GET", "after")).text).toBe("x");
  });

  it("may hide in a success", async () => {
    inject({ status: 200, code: "InternalError" }, "CompleteMultipartUpload");
    const reply = await s3.send("POST", "a", { query: "?uploadId=x", body: "<a/>" });
    expect([reply.status, reply.element("Code")]).toEqual([200, "InternalError"]);
  });

  it("does not hide a wrong signature", async () => {
    inject({ status: 503 });
    const stranger = createS3Client(fake, { keyId: fake.keyId, secret: "wrong" });
    expect((await stranger.send("GET", "a")).element("Code")).toBe("SignatureDoesNotMatch");
    expect((await s3.send("GET", "a")).status).toBe(503);
  });
});

describe("a dropped connection", () => {
  it.each([
    { when: "before", stored: 404 },
    { when: "after-commit", stored: 200 },
  ] as const)("$when the commit", async ({ when, stored }) => {
    inject({ dropConnection: when }, "PutObject");
    await expect(s3.send("PUT", `dropped-${when}`, { body: "x" })).rejects.toThrow("fetch failed");
    expect((await s3.send("GET", `dropped-${when}`)).status).toBe(stored);
    expect(fake.server.requests.count({ key: `dropped-${when}`, status: 0 })).toBe(1);
  });
});

describe("a faulty transfer", () => {
  it.each([0, 1, 4])("breaks off after %i bytes of what was announced", async (cutAfterBytes) => {
    inject({ cutAfterBytes });
    const expected = { announced: "10", text: BODY.slice(0, cutAfterBytes), broken: true };
    expect(await readAvailable()).toEqual(expected);
    expect(await readAvailable()).toMatchObject({ text: BODY, broken: false });
  });

  it("cuts a large body where it says", async () => {
    await s3.send("PUT", "big", { body: "x".repeat(2_000_000) });
    fake.server.faults.add({ effect: { cutAfterBytes: 1_500_001 }, count: 1 });
    await expect(s3.send("GET", "big")).rejects.toThrow("terminated");
    expect(fake.server.requests.list({ key: "big", method: "GET" }).at(-1)?.bytesOut).toBe(
      1_500_001,
    );
  });

  it("ignores a range", async () => {
    inject({ ignoreRange: true });
    const headers = { range: "bytes=2-3" };
    const reply = await s3.send("GET", "a", { headers });
    expect([reply.status, reply.text]).toEqual([200, BODY]);
    expect((await s3.send("GET", "a", { headers })).status).toBe(206);
  });

  it("stalls after the first byte", async () => {
    inject({ stallMs: 150 });
    const started = performance.now();
    const { url, headers } = await s3.sign("GET", "a");
    const response = await fetch(url, { headers });
    const headMs = performance.now() - started;
    expect(await response.text()).toBe(BODY);
    const wholeMs = performance.now() - started;
    expect(headMs).toBeLessThan(wholeMs - 50);
    expect(wholeMs).toBeGreaterThan(140);
  });

  it("delays one answer, or all", async () => {
    inject({ delayMs: 100 });
    const delayed = performance.now();
    await s3.send("GET", "a");
    expect(performance.now() - delayed).toBeGreaterThan(90);
    fake.server.faults.setLatency(100, fake.bucket);
    const late = performance.now();
    await s3.send("GET", "a");
    expect(performance.now() - late).toBeGreaterThan(90);
  });

  it("does not hold up a client that is gone, nor the server's end", async () => {
    const other = await startFakeB2();
    other.server.faults.add({ effect: { delayMs: 60_000 } });
    const reply = createS3Client(other, other).send("GET", "a");
    await expect.poll(() => other.server.requests.count()).toBe(1);
    await Promise.all([other.close(), expect(reply).rejects.toThrow("fetch failed")]);
  });

  it("counts bytes in and out", async () => {
    await s3.send("PUT", "counted", { body: BODY });
    await s3.send("GET", "counted", { headers: { range: "bytes=1-3" } });
    const [put, get] = fake.server.requests.list({ key: "counted" });
    expect(put).toMatchObject({ operation: "PutObject", status: 200, bytesIn: 10, bytesOut: 0 });
    expect(get).toMatchObject({ status: 206, bytesIn: 0, bytesOut: 3, range: "bytes=1-3" });
  });
});
