import { describe, expect, it } from "vitest";
import { ADMIN_TOKEN, PUSH_TOKEN } from "../../../../testkit/workerd/gateway.ts";
import { HASH, startFilledGateway } from "../../../../testkit/workerd/prepared.ts";

const admin = { method: "DELETE", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };

describe("DELETE", () => {
  it("unpublishes a store path, drops it from the edge, and says who did it", async () => {
    const { log, path, request } = await startFilledGateway();
    await request(path.narinfoPath);
    expect((await request(path.narinfoPath, admin)).status).toBe(204);
    expect((await request(path.narinfoPath)).status).toBe(404);
    expect(log).toContainEqual(
      expect.objectContaining({ code: "deleted", path: path.narinfoPath.slice(1), by: "root" }),
    );
  });

  it("refuses a NAR that a narinfo may name, unless it is forced", async () => {
    const { log, path, request } = await startFilledGateway();
    await request(path.narPath);
    const refused = await request(path.narPath, admin);
    expect(refused.status).toBe(409);
    expect(await refused.text()).toContain("?force=true");
    expect((await request(path.narPath)).status).toBe(200);
    expect((await request(`${path.narPath}?force=true`, admin)).status).toBe(204);
    expect((await request(path.narPath)).status).toBe(404);
    expect(log).toContainEqual(expect.objectContaining({ code: "deleted", forced: true }));
  });

  it("lets a deleted path be pushed again", async () => {
    const { path, push, request } = await startFilledGateway();
    await request(path.narinfoPath, admin);
    await request(`${path.narPath}?force=true`, admin);
    expect((await push(path.narinfoPath, path.narinfo)).status).toBe(400);
    expect((await push(path.narPath, path.nar)).status).toBe(200);
    expect((await push(path.narinfoPath, path.narinfo)).status).toBe(200);
    expect(await (await request(path.narinfoPath)).text()).toBe(path.narinfo);
  });

  it("purges again what is gone already, when it is repeated", async () => {
    const { path, request, bucket } = await startFilledGateway();
    await request(path.narinfoPath);
    await bucket.reset();
    expect((await request(path.narinfoPath)).status).toBe(200);
    expect((await request(path.narinfoPath, admin)).status).toBe(404);
    expect((await request(path.narinfoPath)).status).toBe(404);
  });

  it("answers 404 to what is not there", async () => {
    const { request } = await startFilledGateway();
    expect((await request(`/${"1".repeat(32)}.narinfo`, admin)).status).toBe(404);
  });

  it.each([
    { what: "no token", headers: {}, status: 401 },
    { what: "a push token", headers: { authorization: `Bearer ${PUSH_TOKEN}` }, status: 403 },
  ])("is refused with $what", async ({ headers, status }) => {
    const { bucket, path, request } = await startFilledGateway();
    const response = await request(path.narinfoPath, { method: "DELETE", headers });
    expect(response.status).toBe(status);
    expect(await bucket.countRequests()).toBe(0);
  });

  it.each(["/nix-cache-info", `/${HASH}.ls`, `/log/${HASH}-x.drv`, "/nar/../x", "/index.html"])(
    "does not delete %s",
    async (name) => {
      const { bucket, request } = await startFilledGateway();
      expect((await request(`${name}?force=true`, admin)).status).toBe(400);
      expect(await bucket.countRequests({ method: "DELETE" })).toBe(0);
    },
  );
});
