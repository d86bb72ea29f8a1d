import { describe, expect, it } from "vitest";
import { PREFIX, startGateway } from "../../../testkit/workerd/gateway.ts";
import { HASH, OTHER_HASH, startFilledGateway } from "../../../testkit/workerd/prepared.ts";
import { makeStorePath } from "../../../testkit/store-path.ts";

const GET = { match: { operation: "GetObject" } };
const UPSTREAM_SECRET = "detail-of-the-bucket";

describe("a bucket that fails", () => {
  it.each([500, 503, 429])(
    "is asked again after %i, and the client never knows",
    async (status) => {
      const { bucket, path, request } = await startFilledGateway();
      await bucket.addFaults({ ...GET, effect: { status, code: "SlowDown" }, count: 2 });
      expect((await request(path.narinfoPath)).status).toBe(200);
      expect(await bucket.countRequests()).toBe(3);
    },
  );

  it("is told as 503 with Retry-After, never as missing, and never kept", async () => {
    const { bucket, path, request } = await startFilledGateway();
    await bucket.addFaults({
      ...GET,
      effect: { status: 503, code: "SlowDown", message: UPSTREAM_SECRET },
    });
    for (const name of [path.narinfoPath, path.narPath, `/${OTHER_HASH}.narinfo`]) {
      const response = await request(name);
      expect(response.status, name).toBe(503);
      expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(response.headers.get("cache-control")).toBe("no-store");
      const text = await response.text();
      expect(text).not.toContain(UPSTREAM_SECRET);
      expect(text).not.toContain("<");
    }
    await bucket.clearFaults();
    expect((await request(path.narinfoPath)).status).toBe(200);
  });

  it("whose cap is used up is told as that", async () => {
    const { bucket, path, request } = await startFilledGateway();
    await bucket.addFaults({
      ...GET,
      effect: {
        status: 403,
        code: "AccessDenied",
        message: "Cannot download file, download bandwidth or transaction (Class B) cap exceeded.",
      },
    });
    const response = await request(path.narinfoPath);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain("cap");
  });

  it("that answers 403 to what it lists is unavailable; to what it does not list, the object is absent", async () => {
    const { bucket, path, request } = await startFilledGateway();
    await bucket.addFaults({ ...GET, effect: { status: 403, code: "AccessDenied" } });
    expect((await request(path.narinfoPath)).status).toBe(503);
    expect((await request(`/${OTHER_HASH}.narinfo`)).status).toBe(404);
    const lists = await bucket.requests({ operation: "ListObjectsV2" });
    expect(lists).toHaveLength(2);
  });

  it("that refuses the key is a misconfiguration, and the log names listFiles", async () => {
    const { log, path, request } = await startFilledGateway({ B2_APPLICATION_KEY: "wrong" });
    const response = await request(path.narinfoPath);
    expect(response.status).toBe(500);
    const line = log.find(({ fault }) => fault === "misconfigured");
    expect(line?.["detail"]).toContain("listFiles");
  });

  it("that does not exist is a misconfiguration, not an empty cache", async () => {
    const { path, request } = await startFilledGateway({ B2_BUCKET: "no-such-bucket" });
    expect((await request(path.narinfoPath)).status).toBe(500);
  });

  it("that cuts a narinfo is asked again", async () => {
    const { bucket, path, request } = await startFilledGateway();
    await bucket.addFaults({ ...GET, effect: { cutAfterBytes: 20 }, count: 1 });
    const response = await request(path.narinfoPath);
    expect(await response.text()).toBe(path.narinfo);
  });

  it("that cuts a NAR ends the answer abnormally, and the edge keeps nothing of it", async () => {
    const { bucket, path, request } = await startFilledGateway({}, 500_000);
    await bucket.addFaults({ ...GET, effect: { cutAfterBytes: 100_000 }, count: 1 });
    await expect(request(path.narPath)).rejects.toThrow("Network connection lost");
    // The edge's entry is deleted as soon as the cut is seen.
    await scheduler.wait(200);
    const whole = await request(path.narPath);
    expect((await whole.arrayBuffer()).byteLength).toBe(500_000);
  });
});

describe("an upload while the bucket fails", () => {
  it.each([
    { client: "curl/7.88.1 Nix/2.8.0", status: 501 },
    { client: "curl/8.9.1 Nix/2.34.8", status: 503 },
    { client: "curl/8.9.1", status: 503 },
  ])(
    "is final for $client: $status",
    async ({ client, status }) => {
      const { bucket, push } = await startGateway();
      await bucket.addFaults({
        match: { method: "PUT" },
        effect: { status: 503, code: "SlowDown" },
      });
      const path = await makeStorePath(HASH);
      const response = await push(path.narPath, path.nar, { "user-agent": client });
      expect(response.status).toBe(status);
      expect(await response.text()).toContain("bucket");
      expect(await bucket.listKeys()).toEqual([]);
    },
    60_000,
  );

  it("is sent again inside, and stored once", async () => {
    const { bucket, push } = await startGateway();
    await bucket.addFaults({
      match: { method: "PUT" },
      effect: { status: 500, code: "InternalError" },
      count: 2,
    });
    const path = await makeStorePath(HASH, { sizeBytes: 9 * 1024 * 1024 });
    expect((await push(path.narPath, path.nar)).status).toBe(200);
    const stored = await bucket.getObject(PREFIX + path.narPath.slice(1));
    expect(stored?.bytes.byteLength).toBe(path.nar.byteLength);
  });
});
