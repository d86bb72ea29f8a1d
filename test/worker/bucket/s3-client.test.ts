import { describe, expect, it } from "vitest";
import { createBucketMeter } from "../../../src/worker/bucket/bucket.ts";
import { createS3Client, type S3Request } from "../../../src/worker/bucket/s3-client.ts";
import type { BucketLocation } from "../../../src/settings/bucket-settings.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const CONFIG: BucketLocation = {
  endpoint: "https://s3.us-east-005.backblazeb2.com",
  region: "us-east-005",
  bucket: "ai-dev-env",
  prefix: "nix/cache/",
  keyId: "key-id",
  applicationKey: "application-key",
};
const RETRIES = { attempts: 4, budgetMilliseconds: 10_000, timeoutMilliseconds: 1000 };
const GET: S3Request = { method: "GET", key: "nix/cache/a", retries: RETRIES };

interface Call {
  readonly url: string;
  readonly init: RequestInit;
  readonly headers: Headers;
}

type Answer = () => Response | Promise<Response>;

/** A client of a made-up server, by a clock that only pauses and answers move. */
function createTestClient(answers: readonly Answer[], millisecondsPerAnswer = 0) {
  const calls: Call[] = [];
  const pauses: number[] = [];
  let time = Date.parse("2026-11-25T12:00:00Z");
  const send = createS3Client(CONFIG, {
    async fetch(url, init) {
      const answer = answers[Math.min(calls.length, answers.length - 1)] as Answer;
      calls.push({ url, init, headers: new Headers(init.headers) });
      time += millisecondsPerAnswer;
      return await answer();
    },
    now: () => new Date(time),
    async sleep(milliseconds) {
      pauses.push(milliseconds);
      time += milliseconds;
    },
    random: () => 0.5,
  });
  const meter = createBucketMeter();
  return { calls, pauses, meter, send: (request: S3Request) => send(request, meter) };
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  () =>
    new Response(null, { status: code, headers });
const networkError: Answer = () => Promise.reject(new TypeError("Network connection lost."));

/** An answer that never comes. */
async function untilAborted(signal: AbortSignal | null | undefined): Promise<Response> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

describe("createS3Client", () => {
  it("sends only the headers that it knows, and follows no redirect", async () => {
    const { calls, send } = createTestClient([status(200)]);
    await send({
      method: "PUT",
      key: "nix/cache/a",
      headers: { "content-type": "text/plain", "content-encoding": "br", range: "bytes=0-1" },
      body: new Uint8Array(3),
      retries: RETRIES,
    });
    expect([...(calls[0]?.headers.keys() ?? [])]).toEqual([
      "authorization",
      "content-encoding",
      "content-type",
      "range",
      "x-amz-content-sha256",
      "x-amz-date",
    ]);
    expect(calls[0]?.init).toMatchObject({
      method: "PUT",
      redirect: "manual",
      body: new Uint8Array(3),
    });
  });

  // workerd adds "Cache-Control: no-cache" to a request with this option, and S3
  // would store that with the object.
  it("goes past Cloudflare's cache with reads alone", async () => {
    const { calls, send } = createTestClient([status(200)]);
    for (const method of ["GET", "HEAD", "PUT", "POST", "DELETE"] as const) {
      await send({ ...GET, method });
    }
    expect(calls.map(({ init }) => init.cache)).toEqual([
      "no-store",
      "no-store",
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("tries again after S3's 400 RequestTimeout, which is no mistake of ours", async () => {
    const { calls, send } = createTestClient([
      () => new Response("<Error><Code>RequestTimeout</Code></Error>", { status: 400 }),
      status(200),
    ]);
    expect((await send({ ...GET, method: "PUT" })).status).toBe(200);
    expect(calls).toHaveLength(2);
    const other = createTestClient([
      () => new Response("<Error><Code>InvalidArgument</Code></Error>", { status: 400 }),
    ]);
    expect((await other.send(GET)).status).toBe(400);
    expect(other.calls).toHaveLength(1);
  });

  it("signs no header that Cloudflare rewrites on its way out", async () => {
    const { calls, send } = createTestClient([status(200)]);
    await send({ ...GET, headers: { range: "bytes=0-1", "content-type": "text/plain" } });
    const authorization = calls[0]?.headers.get("authorization") ?? "";
    expect(authorization).toContain("Credential=key-id/20261125/us-east-005/s3/aws4_request");
    expect(authorization).toContain("SignedHeaders=host;x-amz-content-sha256;x-amz-date,");
    expect(authorization).not.toContain("application-key");
  });

  it.each([
    { what: "the hash that it is told", payloadSha256: "0a".repeat(32), sent: "0a".repeat(32) },
    { what: "no hash that it is not told", payloadSha256: undefined, sent: "UNSIGNED-PAYLOAD" },
  ])("signs $what of a body along", async ({ payloadSha256, sent }) => {
    const { calls, send } = createTestClient([status(200)]);
    await send({ ...GET, method: "PUT", body: "x", payloadSha256 });
    expect(calls[0]?.headers.get("x-amz-content-sha256")).toBe(sent);
  });

  it.each([
    { what: "a plain key", key: "nix/cache/a.narinfo", path: "/nix/cache/a.narinfo" },
    { what: "a plus", key: "log/gtk+3.drv", path: "/log/gtk%2B3.drv" },
    { what: "an output", key: "sha256:0a!out.doi", path: "/sha256%3A0a%21out.doi" },
    { what: "all that encodeURIComponent leaves", key: "a!'()*b", path: "/a%21%27%28%29%2Ab" },
    { what: "the bucket itself", key: "", path: "" },
  ])("encodes $what as S3 does", async ({ key, path }) => {
    const { calls, send } = createTestClient([status(200)]);
    await send({ ...GET, key, query: { prefix: "a+b c/" } });
    expect(calls[0]?.url).toBe(`${CONFIG.endpoint}/ai-dev-env${path}?prefix=a%2Bb%20c%2F`);
  });

  it.each([200, 206, 301, 307, 400, 403, 404, 412, 416, 501, 505])(
    "answers with a %i at once",
    async (code) => {
      const { calls, send } = createTestClient([status(code)]);
      expect((await send(GET)).status).toBe(code);
      expect(calls).toHaveLength(1);
    },
  );

  it.each([408, 429, 500, 502, 503, 504, 520])("tries again after a %i", async (code) => {
    const { calls, send } = createTestClient([status(code), status(code), status(200)]);
    expect((await send(GET)).status).toBe(200);
    expect(calls).toHaveLength(3);
  });

  it("tries again after a connection that failed", async () => {
    const { calls, send } = createTestClient([networkError, status(200)]);
    expect((await send(GET)).status).toBe(200);
    expect(calls).toHaveLength(2);
  });

  it("gives up after its attempts, and says when to come back", async () => {
    const { calls, send } = createTestClient([status(500)]);
    const error = await rejectionOf(send(GET));
    expect(error).toMatchObject({ code: "bucket-unavailable", retryAfterSeconds: 5 });
    expect(error.message).toBe("GET nix/cache/a answered 500, attempt 4");
    expect(calls).toHaveLength(4);
  });

  it("gives up with the cause of a connection that keeps failing", async () => {
    const { send } = createTestClient([networkError]);
    const error = await rejectionOf(send(GET));
    expect(error.code).toBe("bucket-unavailable");
    expect(error.cause).toEqual(new TypeError("Network connection lost."));
  });

  it("begins no pause that would pass the budget", async () => {
    const { calls, pauses, send } = createTestClient([status(503)], 4000);
    await rejectionOf(send(GET));
    // Two answers take 8 s; the third ends after 12.
    expect(calls).toHaveLength(3);
    expect(pauses).toEqual([100, 200]);
  });

  it("waits at least as long as Retry-After says", async () => {
    const { pauses, send } = createTestClient([
      status(503, { "retry-after": "2" }),
      status(429, { "retry-after": "Wed, 25 Nov 2026 12:00:05 GMT" }),
      status(200),
    ]);
    await send(GET);
    expect(pauses).toEqual([2100, 2900 + 200]);
  });

  it("gives up at once when Retry-After passes the budget, and passes it on up to a minute", async () => {
    const { calls, pauses, send } = createTestClient([status(503, { "retry-after": "3600" })]);
    expect(await rejectionOf(send(GET))).toMatchObject({ retryAfterSeconds: 60 });
    expect(calls).toHaveLength(1);
    expect(pauses).toEqual([]);
  });

  it("drops the body of an answer that it does not give", async () => {
    let cancelled = 0;
    const body = () =>
      new ReadableStream({
        cancel() {
          cancelled++;
        },
      });
    const { send } = createTestClient([() => new Response(body(), { status: 503 }), status(200)]);
    await send(GET);
    expect(cancelled).toBe(1);
  });

  it("signs each attempt anew", async () => {
    const { calls, send } = createTestClient([status(503, { "retry-after": "2" }), status(200)]);
    await send(GET);
    expect(calls.map(({ headers }) => headers.get("x-amz-date"))).toEqual([
      "20261125T120000Z",
      "20261125T120002Z",
    ]);
    expect(new Set(calls.map(({ headers }) => headers.get("authorization"))).size).toBe(2);
  });

  it("gives up on an answer that does not come, and tries again", async () => {
    const { calls, send } = createTestClient([
      () => untilAborted(calls[0]?.init.signal),
      status(200),
    ]);
    const response = await send({ ...GET, retries: { ...RETRIES, timeoutMilliseconds: 5 } });
    expect(response.status).toBe(200);
    expect(calls).toHaveLength(2);
  });

  it("does not cut off a body that takes longer than its headers may", async () => {
    const { calls, send } = createTestClient([() => new Response("body")]);
    await send({ ...GET, streams: true, retries: { ...RETRIES, timeoutMilliseconds: 5 } });
    await scheduler.wait(20);
    expect(calls[0]?.init.signal?.aborted).toBe(false);
  });

  it("refuses an endless answer as soon as it is longer than it may be, and asks no more", async () => {
    let pulled = 0;
    const body = () =>
      new ReadableStream({
        pull(controller) {
          pulled++;
          controller.enqueue(new Uint8Array(1000));
        },
      });
    const { calls, send } = createTestClient([() => new Response(body())]);
    const { code, message } = await rejectionOf(send({ ...GET, maxAnswerBytes: 2000 }));
    expect(code).toBe("bucket-unavailable");
    expect(message).toBe("GET nix/cache/a answered with too many bytes: 3000");
    expect(calls).toHaveLength(1);
    expect(pulled).toBeLessThan(6);
  });

  it("ends with the signal that it is given, while the body is read too", async () => {
    const { calls, send } = createTestClient([() => new Response("body")]);
    const giveUp = new AbortController();
    await send({ ...GET, signal: giveUp.signal });
    expect(calls[0]?.init.signal?.aborted).toBe(false);
    giveUp.abort();
    expect(calls[0]?.init.signal?.aborted).toBe(true);
  });

  it("counts every attempt, and the time of each without the pauses", async () => {
    const { meter, send } = createTestClient([status(503), networkError, status(200)], 30);
    await send(GET);
    expect(meter).toEqual({ requests: 3, milliseconds: 90 });
  });
});
