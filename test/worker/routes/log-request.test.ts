import { describe, expect, it } from "vitest";
import { PUSH_TOKEN } from "../../../testkit/workerd/gateway.ts";
import { startFilledGateway } from "../../../testkit/workerd/prepared.ts";

describe("the log", () => {
  it("has one line a request, with what it was and what it cost", async () => {
    const { log, path, request } = await startFilledGateway();
    await request(path.narPath, { headers: { "cf-ray": "8f00baa" } });
    await request(path.narPath);
    expect(log).toHaveLength(2);
    expect(log[0]).toEqual({
      level: "info",
      code: "request",
      requestId: "8f00baa",
      method: "GET",
      route: "nar",
      path: path.narPath.slice(1),
      status: 200,
      token: undefined,
      scope: undefined,
      edge: "miss",
      bucketRequests: 1,
      bucketMilliseconds: expect.any(Number),
      bytes: 1000,
    });
    expect(log[1]).toMatchObject({ edge: "hit", bucketRequests: 0 });
  });

  it("names the token of a push and its fault, and holds no token", async () => {
    const { log, path, push, request } = await startFilledGateway();
    await push(path.narinfoPath, "nonsense");
    expect(log[0]).toMatchObject({
      status: 400,
      token: "tests",
      scope: "push",
      fault: "narinfo-malformed",
    });
    await request(`/nar/x.nar`, { headers: { authorization: "Bearer some-wrong-token" } });
    expect(JSON.stringify(log)).not.toContain(PUSH_TOKEN);
    expect(JSON.stringify(log)).not.toContain("some-wrong-token");
  });

  it("has only what went wrong where LOG is faults", async () => {
    const { bucket, log, path, request } = await startFilledGateway({ LOG: "faults", EDGE: "off" });
    await request(path.narPath);
    await request("/absent");
    await bucket.addFaults({ match: {}, effect: { status: 503 } });
    await request(path.narPath);
    expect(log.map(({ fault }) => fault)).toEqual(["bucket-unavailable"]);
  });
});

describe("BUCKET_DOWN=miss", () => {
  it("answers a narinfo 404 that nobody may keep while the bucket is down, and logs it", async () => {
    const { bucket, log, path, request } = await startFilledGateway({ BUCKET_DOWN: "miss" });
    await bucket.addFaults({ match: {}, effect: { status: 503 } });
    const narinfo = await request(path.narinfoPath);
    expect(narinfo.status).toBe(404);
    expect(narinfo.headers.get("cache-control")).toBe("no-store");
    expect(log).toContainEqual(expect.objectContaining({ code: "unavailable-as-miss" }));
    expect((await request(path.narPath)).status).toBe(503);
    const pusher = { headers: { authorization: `Bearer ${PUSH_TOKEN}` } };
    expect((await request(path.narinfoPath, pusher)).status).toBe(503);
    await bucket.clearFaults();
    expect((await request(path.narinfoPath)).status).toBe(200);
  });

  it("does not hide a misconfiguration", async () => {
    const { path, request } = await startFilledGateway({
      BUCKET_DOWN: "miss",
      B2_APPLICATION_KEY: "wrong",
    });
    expect((await request(path.narinfoPath)).status).toBe(500);
  });
});
