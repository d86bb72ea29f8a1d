import { describe, expect, it } from "vitest";
import {
  ADMIN_TOKEN,
  PREFIX,
  PUSH_TOKEN,
  startGateway,
} from "../../../../testkit/workerd/gateway.ts";

const pathOf = (at: number) => `${"0".repeat(31)}${at}-x/by-ci`;

const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe("GET /healthz", () => {
  it.each([{ init: {} }, { init: withToken(PUSH_TOKEN) }, { init: withToken("wrong") }])(
    "says ok to anyone, and no more",
    async ({ init }) => {
      const { bucket, request } = await startGateway({ SIGNING_KEY: "broken" });
      const response = await request("/healthz", init);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe("ok\n");
      expect(await bucket.countRequests()).toBe(0);
    },
  );

  it("tells an admin that all is well", async () => {
    const { request } = await startGateway();
    const response = await request("/healthz", withToken(ADMIN_TOKEN));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({
      subject: "gateway",
      checks: [
        { check: "settings", verdict: "ok", says: "all are valid" },
        { check: "bucket", verdict: "ok", says: expect.stringMatching(/^answers a listing in/) },
      ],
    });
  });

  it("tells an admin how much the pins protect", async () => {
    const { bucket, request } = await startGateway();
    const folder = `${PREFIX}.nargate/pins/`;
    await bucket.putObject(`${folder}a/0000000000001-forever/${pathOf(1)}`, "");
    await bucket.putObject(`${folder}a/0000000000002-1r/${pathOf(2)}`, "");
    await bucket.putObject(`${folder}b/0000000000002-1d/${pathOf(3)}`, "");
    const response = await request("/healthz", withToken(ADMIN_TOKEN));
    expect((await response.json<{ checks: unknown[] }>()).checks.at(-1)).toEqual({
      check: "pins",
      verdict: "ok",
      says: "pins: 2, paths: 1",
    });
    await bucket.putObject(`${folder}b/newer`, "");
    const second = await request("/healthz", withToken(ADMIN_TOKEN));
    expect(second.status).toBe(200);
    expect((await second.json<{ checks: unknown[] }>()).checks.at(-1)).toMatchObject({
      check: "pins",
      verdict: "warn",
      says: ".nargate/pins/ has an object that is no pin: b/newer",
    });
  });

  it("tells an admin which settings are wrong, without their values", async () => {
    const { request } = await startGateway({ SIGNING_KEY: "broken-secret" });
    const response = await request("/healthz", withToken(ADMIN_TOKEN));
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({
      checks: [
        { check: "SIGNING_KEY", verdict: "FAIL" },
        { check: "bucket", verdict: "ok" },
      ],
    });
    expect(text).not.toContain("broken-secret");
  });

  it("tells an admin what is wrong with the bucket", async () => {
    const { bucket, request } = await startGateway();
    await bucket.addFaults({ match: {}, effect: { status: 503, code: "SlowDown" } });
    const response = await request("/healthz", withToken(ADMIN_TOKEN));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      checks: [
        { check: "settings", verdict: "ok" },
        { check: "bucket", verdict: "FAIL", says: expect.stringMatching(/^bucket-unavailable: /) },
      ],
    });
  });
});
