import { describe, expect, it } from "vitest";
import { errorOf, post } from "../../../../testkit/workerd/api.ts";
import { ADMIN_TOKEN, PREFIX, PUSH_TOKEN } from "../../../../testkit/workerd/gateway.ts";
import { startFilledGateway } from "../../../../testkit/workerd/prepared.ts";

describe("POST /api/v1/purge", () => {
  it("drops one object from the edge, which was replaced in the bucket itself", async () => {
    const gateway = await startFilledGateway();
    const { bucket, log, path, request } = gateway;
    await request(path.narinfoPath);
    const signed = `${path.narinfo}Sig: later-1:${btoa("x".repeat(64))}\n`;
    await bucket.putObject(PREFIX + path.narinfoPath.slice(1), signed);
    expect(await (await request(path.narinfoPath)).text()).toBe(path.narinfo);
    const answer = await post(gateway, "purge", { path: path.narinfoPath.slice(1) }, ADMIN_TOKEN);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ purged: true });
    expect(await (await request(path.narinfoPath)).text()).toBe(signed);
    expect(log).toContainEqual(
      expect.objectContaining({ code: "purged", path: path.narinfoPath.slice(1), by: "root" }),
    );
  });

  it("needs the scope admin", async () => {
    const gateway = await startFilledGateway();
    const answer = await post(gateway, "purge", { path: "nix-cache-info" }, PUSH_TOKEN);
    expect(answer.status).toBe(403);
  });

  it.each([
    { what: "no path", body: {} },
    { what: "a path outside the cache", body: { path: "../secret" } },
    { what: "a path that no route has", body: { path: "other/thing" } },
  ])("refuses $what", async ({ body }) => {
    const gateway = await startFilledGateway();
    const answer = await post(gateway, "purge", body, ADMIN_TOKEN);
    expect(answer.status).toBe(400);
    expect((await errorOf(answer)).code).toBe("upload-malformed");
  });
});
