import { describe, expect, inject, it } from "vitest";
import type { FaultEffect } from "../../../../tools/b2-server/fault-injector.ts";
import { PREFIX, startGateway } from "../../../../testkit/workerd/gateway.ts";
import { HASH, startFilledGateway } from "../../../../testkit/workerd/prepared.ts";

// What docs/http.md promises for each fault that B2 is known for.

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
  ])(
    "gets over $what",
    async ({ effect, count, requests }) => {
      const { bucket, path, request } = await startFilledGateway();
      await bucket.addFaults({ match: { operation: "GetObject" }, effect, count });
      const response = await request(path.narinfoPath);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(path.narinfo);
      expect(await bucket.countRequests()).toBe(requests);
    },
    10_000,
  );

  it("asks again when a listing stalls, and takes a page that is none for no answer", async () => {
    const { bucket, request } = await startFilledGateway();
    const absent = `/${"1".repeat(32)}.narinfo`;
    await bucket.addFaults({
      match: { operation: "GetObject" },
      effect: { status: 403, code: "AccessDenied" },
    });
    await bucket.addFaults({
      match: { operation: "ListObjectsV2" },
      effect: { stallMs: 60_000 },
      count: 1,
    });
    expect((await request(absent)).status).toBe(404);
    await bucket.addFaults({
      match: { operation: "ListObjectsV2" },
      effect: { status: 200, html: true },
    });
    const other = await request(`/${"2".repeat(32)}.narinfo`);
    expect(other.status).toBe(503);
    expect(other.headers.get("cache-control")).toBe("no-store");
  }, 30_000);

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
      // A HEAD of B2 says no more than 403, and of ours no more than 503.
      expect((await response.text()).includes("cap")).toBe(method === "GET");
      expect((await request("/nar/absent.nar", { method })).status).toBe(404);
    },
  );

  it("takes a missing key for absent with a key that may list, and for a misconfiguration with one that may not", async () => {
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

  it("answers a burst of 500 narinfos through a bucket that throttles, with bounded attempts and no 404", async () => {
    const { bucket, path, request } = await startFilledGateway({ EDGE: "off" });
    for (let skip = 0; skip < 100; skip++) {
      await bucket.addFaults({
        match: { operation: "GetObject" },
        effect: { status: 503, code: "SlowDown" },
        skip: skip * 4,
        count: 1,
      });
    }
    const statuses = await Promise.all(
      Array.from({ length: 500 }, async () => (await request(path.narinfoPath)).status),
    );
    const served = statuses.filter((status) => status === 200).length;
    const told = statuses.filter((status) => status === 503).length;
    expect(served + told).toBe(500);
    // One that is throttled four times in a row is told so.
    expect(served).toBeGreaterThan(490);
    expect(await bucket.countRequests()).toBeLessThanOrEqual(2000);
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
