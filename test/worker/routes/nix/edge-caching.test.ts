import { describe, expect, it } from "vitest";
import { PUSH_TOKEN, startGateway } from "../../../../testkit/workerd/gateway.ts";
import { HASH, OTHER_HASH, startFilledGateway } from "../../../../testkit/workerd/prepared.ts";
import { makeStorePath } from "../../../../testkit/store-path.ts";

const PUSHER = { headers: { authorization: `Bearer ${PUSH_TOKEN}` } };

describe("a pusher that asks for the bucket's own answer", () => {
  const fresh = { headers: { ...PUSHER.headers, "cache-control": "no-cache" } };

  it("gets it, though the edge has the narinfo, and leaves the edge as it is", async () => {
    const { bucket, path, request } = await startFilledGateway();
    await request(path.narinfoPath);
    await bucket.reset();
    expect((await request(path.narinfoPath, PUSHER)).status).toBe(200);
    expect((await request(path.narinfoPath, fresh)).status).toBe(404);
    expect((await request(path.narinfoPath)).status).toBe(200);
  });

  it("must be a pusher: a reader costs no request of the bucket", async () => {
    const { bucket, path, request } = await startFilledGateway();
    await request(path.narinfoPath);
    await bucket.clearRequests();
    const headers = { "cache-control": "no-cache" };
    expect((await request(path.narinfoPath, { headers })).status).toBe(200);
    expect(await bucket.countRequests()).toBe(0);
  });
});

describe("the edge", () => {
  it("answers the second read of everything without the bucket", async () => {
    const { bucket, path, request } = await startFilledGateway();
    for (const name of [path.narinfoPath, path.narPath]) await request(name);
    await bucket.clearRequests();
    const narinfo = await request(path.narinfoPath);
    const nar = await request(path.narPath);
    expect(await bucket.countRequests()).toBe(0);
    expect(narinfo.headers.get("server-timing")).toBe('edge;desc="hit", bucket;dur=0.0;desc="0"');
    expect(await narinfo.text()).toBe(path.narinfo);
    expect(new Uint8Array(await nar.arrayBuffer())).toEqual(path.nar);
  });

  it("asks the bucket exactly once for each object that is read cold", async () => {
    const { bucket, path, request } = await startFilledGateway();
    const response = await request(path.narPath);
    expect(response.headers.get("server-timing")).toMatch(
      /^edge;desc="miss", bucket;dur=[\d.]+;desc="1"$/,
    );
    expect(await bucket.countRequests()).toBe(1);
  });

  it("keeps neither a client's headers nor its query in its keys", async () => {
    const { bucket, path, request } = await startFilledGateway();
    await request(path.narinfoPath, { headers: { cookie: "a=b", "user-agent": "x" } });
    await bucket.clearRequests();
    await request(`${path.narinfoPath}?x=1`, { headers: { cookie: "c=d", "user-agent": "y" } });
    expect(await bucket.countRequests()).toBe(0);
  });

  it("answers HEAD of a NAR from the bucket even when it keeps the NAR", async () => {
    const { bucket, path, request } = await startFilledGateway();
    await request(path.narPath);
    await bucket.clearRequests();
    await request(path.narPath, { method: "HEAD" });
    expect(await bucket.countRequests({ method: "HEAD" })).toBe(1);
  });

  it("keeps an absent narinfo briefly, and an absent NAR never", async () => {
    const { bucket, request } = await startFilledGateway();
    const absent = await request(`/${OTHER_HASH}.narinfo`);
    expect(absent.status).toBe(404);
    expect(absent.headers.get("cache-control")).toBe("public, max-age=10, stale-if-error=0");
    await request(`/${OTHER_HASH}.narinfo`);
    expect(await bucket.countRequests()).toBe(1);
    await bucket.clearRequests();
    for (const attempt of [1, 2]) {
      const nar = await request("/nar/absent.nar");
      expect(nar.headers.get("cache-control"), `${attempt}`).toBe("no-store");
    }
    expect(await bucket.countRequests()).toBe(2);
  });

  it("keeps nothing when EDGE is off", async () => {
    const { bucket, path, request } = await startFilledGateway({ EDGE: "off" });
    await request(path.narPath);
    const second = await request(path.narPath);
    expect(second.headers.get("server-timing")).toContain('edge;desc="bypass"');
    expect(await bucket.countRequests()).toBe(2);
  });
});

describe("pushing", () => {
  it("is not told an absence from the edge, and leaves none behind", async () => {
    const { bucket, push, request } = await startGateway();
    const path = await makeStorePath(HASH);
    // nix copy asks first; then it writes; then anyone reads.
    expect((await request(path.narinfoPath, PUSHER)).status).toBe(404);
    expect((await request(path.narPath, { method: "HEAD", ...PUSHER })).status).toBe(404);
    await push(path.narPath, path.nar);
    await push(path.narinfoPath, path.narinfo);
    expect((await request(path.narinfoPath)).status).toBe(200);
    expect((await request(path.narPath)).status).toBe(200);
    expect(await bucket.listKeys()).toHaveLength(3);
  });

  it("is not told an absence that a reader left at the edge", async () => {
    const { path, request, bucket } = await startFilledGateway();
    await bucket.reset();
    expect((await request(path.narinfoPath)).status).toBe(404);
    await bucket.putObject(`nix/cache${path.narinfoPath}`, path.narinfo);
    expect((await request(path.narinfoPath)).status).toBe(404);
    expect((await request(path.narinfoPath, PUSHER)).status).toBe(200);
  });

  it("drops an absence that the edge keeps of what it publishes", async () => {
    const { push, request } = await startGateway();
    const path = await makeStorePath(HASH);
    expect((await request(path.narinfoPath)).status).toBe(404);
    await push(path.narPath, path.nar);
    await push(path.narinfoPath, path.narinfo);
    expect((await request(path.narinfoPath)).status).toBe(200);
  });
});
