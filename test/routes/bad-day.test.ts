import { describe, expect, it } from "vitest";
import type { FaultEffect } from "../../src/s3-server/fault-injector.ts";
import { PREFIX, startGateway } from "../support/gateway.ts";
import { HASH, startFilledGateway } from "../support/prepared.ts";
import { makeStorePath } from "../support/store-path.ts";

// What docs/http.md promises for each fault that B2 is known for.

const NIX_2_8 = { "user-agent": "curl/7.88.1 Nix/2.8.0" };

describe("a read while the bucket has a bad day", () => {
  it.each<{ what: string; effect: FaultEffect; count: number; requests: number }>([
    { what: "503 SlowDown", effect: { status: 503, code: "SlowDown" }, count: 2, requests: 3 },
    {
      what: "503 SlowDown with Retry-After",
      effect: { status: 503, code: "SlowDown", headers: { "retry-after": "1" } },
      count: 1,
      requests: 2,
    },
    { what: "429", effect: { status: 429, code: "SlowDown" }, count: 1, requests: 2 },
    {
      what: "500 InternalError",
      effect: { status: 500, code: "InternalError" },
      count: 1,
      requests: 2,
    },
    {
      what: "three 503 'no tomes available'",
      effect: { status: 503, message: "no tomes available" },
      count: 3,
      requests: 4,
    },
    { what: "an HTML 502", effect: { status: 502, html: true }, count: 1, requests: 2 },
    { what: "an HTML 504", effect: { status: 504, html: true }, count: 1, requests: 2 },
    { what: "a dropped connection", effect: { dropConnection: "before" }, count: 1, requests: 2 },
    { what: "a slow first byte", effect: { delayMs: 500 }, count: 1, requests: 1 },
    { what: "a body that stalls for a second", effect: { stallMs: 1000 }, count: 1, requests: 1 },
    {
      what: "a body that stalls for longer than a client waits",
      effect: { stallMs: 20_000 },
      count: 1,
      requests: 2,
    },
    { what: "a body that is cut", effect: { cutAfterBytes: 30 }, count: 2, requests: 3 },
  ])("gets over $what", async ({ effect, count, requests }) => {
    const { bucket, path, request } = await startFilledGateway();
    await bucket.addFaults({ match: { operation: "GetObject" }, effect, count });
    const response = await request(path.narinfoPath);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(path.narinfo);
    expect(await bucket.countRequests()).toBe(requests);
  });

  it("asks no sooner again than Retry-After says", async () => {
    const { bucket, path, request } = await startFilledGateway();
    const effect = { status: 503, code: "SlowDown", headers: { "retry-after": "1" } };
    await bucket.addFaults({ match: { operation: "GetObject" }, effect, count: 1 });
    const startedAt = Date.now();
    await request(path.narinfoPath);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1000);
  });

  it.each<{ what: string; effect: FaultEffect }>([
    { what: "503", effect: { status: 503, code: "SlowDown" } },
    { what: "429", effect: { status: 429, code: "SlowDown" } },
    { what: "an HTML 502", effect: { status: 502, html: true } },
    { what: "dropped connections", effect: { dropConnection: "before" } },
  ])("tells a NAR and a narinfo 503 with Retry-After when $what never ends", async ({ effect }) => {
    const { bucket, path, request } = await startFilledGateway();
    await bucket.addFaults({ match: { operation: "GetObject" }, effect });
    for (const name of [path.narinfoPath, path.narPath]) {
      const response = await request(name);
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(await response.text()).not.toContain("<");
    }
    expect(await bucket.countRequests()).toBe(8);
  });

  it.each(["GET", "HEAD"])(
    "tells a used-up cap on %s as unavailable, and its absent objects as absent",
    async (method) => {
      const { bucket, path, request } = await startFilledGateway();
      const message =
        "Cannot download file, download bandwidth or transaction (Class B) cap exceeded.";
      for (const operation of ["GetObject", "HeadObject"]) {
        await bucket.addFaults({
          match: { operation },
          effect: { status: 403, code: "AccessDenied", message },
        });
      }
      const response = await request(path.narPath, { method });
      expect(response.status).toBe(503);
      if (method === "GET") expect(await response.text()).toContain("cap");
      expect((await request("/nar/absent.nar", { method })).status).toBe(404);
    },
  );

  it("takes a missing key for absent with a key that may list, and for a misconfiguration with one that may not", async () => {
    const { inject } = await import("vitest");
    const { unlisted } = inject("fakeB2");
    const listing = await startGateway();
    expect((await listing.request(`/${HASH}.narinfo`)).status).toBe(404);
    const blind = await startGateway({
      B2_KEY_ID: unlisted.keyId,
      B2_APPLICATION_KEY: unlisted.secret,
    });
    expect((await blind.request(`/${HASH}.narinfo`)).status).toBe(500);
    expect(blind.log[0]?.["detail"]).toContain("listFiles");
  });

  it.each([
    { what: "a wrong region", settings: { B2_REGION: "eu-central-003" } },
    { what: "a revoked key", settings: { B2_KEY_ID: "revoked" } },
    { what: "a rotated secret", settings: { B2_APPLICATION_KEY: "rotated" } },
    { what: "a missing bucket", settings: { B2_BUCKET: "no-such-bucket" } },
  ])("tells $what as a misconfiguration at once", async ({ settings }) => {
    const { log, path, request } = await startFilledGateway(settings as Record<string, string>);
    const response = await request(path.narinfoPath);
    expect(response.status).toBe(500);
    expect(log[0]).toMatchObject({ fault: "misconfigured" });
  });

  it("answers a burst of 200 narinfos through a bucket that throttles every third request, with no 404", async () => {
    const { bucket, path, request } = await startFilledGateway({ EDGE: "off" });
    for (let skip = 0; skip < 60; skip++) {
      await bucket.addFaults({
        match: { operation: "GetObject" },
        effect: { status: 503, code: "SlowDown" },
        skip: skip * 2,
        count: 1,
      });
    }
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => (await request(path.narinfoPath)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await bucket.countRequests()).toBeLessThanOrEqual(800);
  }, 30_000);
});

describe("signatures that B2 would find broken", () => {
  it("holds with headers that Cloudflare rewrites, a + in the key, and HEAD of a .zst", async () => {
    const { bucket, request } = await startFilledGateway();
    const log = `log/${HASH}-gtk+3!'()*x.drv`.replace(/[!'()*]/g, "_");
    await bucket.putObject(PREFIX + log, "log");
    await bucket.putObject(`${PREFIX}nar/x.nar.zst`, "nar");
    const headers = {
      "accept-encoding": "zstd, br, gzip",
      "if-modified-since": "Sun, 06 Nov 1994 08:49:37 GMT",
      "if-none-match": '"x"',
      "cf-connecting-ip": "1.2.3.4",
    };
    expect((await request(`/${log}`, { headers })).status).toBe(200);
    const head = await request("/nar/x.nar.zst", { method: "HEAD", headers });
    expect(head.headers.get("content-length")).toBe("3");
  });
});

describe("a push while the bucket has a bad day", () => {
  const SMALL = 1000;
  const LARGE = 9 * 1024 * 1024;

  it.each<{ what: string; operation: string; effect: FaultEffect; sizeBytes: number }>([
    {
      what: "500 before publishing",
      operation: "PutObject",
      effect: { status: 500, code: "InternalError" },
      sizeBytes: SMALL,
    },
    {
      what: "500 after publishing",
      operation: "PutObject",
      effect: { status: 500, code: "InternalError", afterCommit: true },
      sizeBytes: SMALL,
    },
    {
      what: "a connection lost after the commit",
      operation: "PutObject",
      effect: { dropConnection: "after-commit" },
      sizeBytes: SMALL,
    },
    {
      what: "a part that fails",
      operation: "UploadPart",
      effect: { status: 503, code: "SlowDown" },
      sizeBytes: LARGE,
    },
    {
      what: "a part whose answer is lost",
      operation: "UploadPart",
      effect: { dropConnection: "after-commit" },
      sizeBytes: LARGE,
    },
    {
      what: "a beginning whose answer is lost",
      operation: "CreateMultipartUpload",
      effect: { dropConnection: "after-commit" },
      sizeBytes: LARGE,
    },
    {
      what: "a completion that fails",
      operation: "CompleteMultipartUpload",
      effect: { status: 500, code: "InternalError" },
      sizeBytes: LARGE,
    },
    {
      what: "a completion that ends its 200 with an error",
      operation: "CompleteMultipartUpload",
      effect: { status: 200, code: "InternalError" },
      sizeBytes: LARGE,
    },
    {
      what: "a completion whose answer is lost, and is repeated",
      operation: "CompleteMultipartUpload",
      effect: { dropConnection: "after-commit" },
      sizeBytes: LARGE,
    },
  ])("gets over $what", async ({ operation, effect, sizeBytes }) => {
    const { bucket, push } = await startGateway();
    await bucket.addFaults({ match: { operation }, effect, count: 1 });
    const path = await makeStorePath(HASH, { sizeBytes });
    expect((await push(path.narPath, path.nar)).status).toBe(200);
    const stored = await bucket.getObject(PREFIX + path.narPath.slice(1));
    expect(stored?.bytes.byteLength).toBe(sizeBytes);
    expect((await push(path.narinfoPath, path.narinfo)).status).toBe(200);
  });

  it.each([
    { what: "PutObject", operation: "PutObject", sizeBytes: SMALL },
    { what: "UploadPart", operation: "UploadPart", sizeBytes: LARGE },
    { what: "CompleteMultipartUpload", operation: "CompleteMultipartUpload", sizeBytes: LARGE },
  ])(
    "is final for an old Nix when $what never succeeds, and publishes nothing",
    async ({ operation, sizeBytes }) => {
      const { bucket, push } = await startGateway();
      await bucket.addFaults({ match: { operation }, effect: { status: 503, code: "SlowDown" } });
      const path = await makeStorePath(HASH, { sizeBytes });
      const response = await push(path.narPath, path.nar, NIX_2_8);
      expect(response.status).toBe(501);
      expect((await push(path.narinfoPath, path.narinfo, NIX_2_8)).status).toBe(400);
      await bucket.clearFaults();
      expect(await bucket.listKeys()).toEqual([]);
      if (sizeBytes === LARGE) {
        expect(await bucket.countRequests({ operation: "AbortMultipartUpload" })).toBe(1);
      }
    },
    30_000,
  );

  it("never asks again after 501", async () => {
    const { bucket, push } = await startGateway();
    await bucket.addFaults({
      match: { operation: "PutObject" },
      effect: { status: 501, code: "NotImplemented" },
    });
    const path = await makeStorePath(HASH);
    expect((await push(path.narPath, path.nar)).status).toBe(500);
    expect(await bucket.countRequests({ operation: "PutObject" })).toBe(1);
  });
});

describe("pushes at the same instant", () => {
  it("of one NAR both succeed, and its bytes are right", async () => {
    const { bucket, push } = await startGateway();
    const path = await makeStorePath(HASH, { sizeBytes: 9 * 1024 * 1024 });
    const both = await Promise.all([push(path.narPath, path.nar), push(path.narPath, path.nar)]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    const stored = await bucket.getObject(PREFIX + path.narPath.slice(1));
    expect(stored?.bytes.byteLength).toBe(path.nar.byteLength);
  });

  it("of one path with two signatures never lose the path, also when the look at it is slow", async () => {
    const { bucket, path, push } = await startFilledGateway();
    const sign = (key: string) => `${path.narinfo}Sig: ${key}:${btoa("x".repeat(64))}\n`;
    const narinfoKey = PREFIX + path.narinfoPath.slice(1);
    await bucket.addFaults({
      match: { method: "GET", key: narinfoKey },
      effect: { delayMs: 300 },
      count: 2,
    });
    const both = await Promise.all(["a-1", "b-1"].map((key) => push(path.narinfoPath, sign(key))));
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    const raced = (await bucket.getObject(narinfoKey))?.text ?? "";
    expect([sign("a-1"), sign("b-1")]).toContain(raced);
    // One after the other loses none.
    await push(path.narinfoPath, sign("a-1"));
    await push(path.narinfoPath, sign("b-1"));
    const stored = (await bucket.getObject(narinfoKey))?.text ?? "";
    expect(stored.match(/^Sig: [ab]-1:/gm)?.toSorted()).toEqual(["Sig: a-1:", "Sig: b-1:"]);
  });

  it("of two builds of one path publish one of them whole", async () => {
    const { bucket, push, request } = await startGateway();
    const [first, second] = [
      await makeStorePath(HASH, { seed: 1 }),
      await makeStorePath(HASH, { seed: 2 }),
    ];
    for (const path of [first, second]) await push(path.narPath, path.nar);
    await bucket.addFaults({ match: { method: "GET" }, effect: { delayMs: 200 }, count: 2 });
    await Promise.all([first, second].map((path) => push(path.narinfoPath, path.narinfo)));
    const text = await (await request(first.narinfoPath)).text();
    expect([first.narinfo, second.narinfo]).toContain(text);
  });
});
