import { describe, expect, it } from "vitest";
import { VERSION } from "../../../../src/api/endpoints.ts";
import { PUBLIC_KEY_ONE, PUBLIC_KEY_TWO, SECRET_KEY_ONE } from "../../../nix/data/keys.ts";
import { errorOf, post } from "../../../../testkit/workerd/api.ts";
import {
  ADMIN_TOKEN,
  PUSH_TOKEN,
  READ_TOKEN,
  startGateway,
} from "../../../../testkit/workerd/gateway.ts";
import { sha256Hex } from "../../../../testkit/sha256-hex.ts";

const POSTED = [
  "pins",
  "uploads",
  "uploads/urls",
  "uploads/parts",
  "uploads/abort",
  "uploads/complete",
];

const showing = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe("GET /api/v1/cache", () => {
  it("tells what a client must know, and asks the bucket nothing", async () => {
    const { request, bucket } = await startGateway({
      PUBLIC_KEYS: PUBLIC_KEY_TWO,
      SIGNING_KEY: SECRET_KEY_ONE,
      PRIORITY: "30",
    });
    const response = await request("/api/v1/cache");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.json()).toEqual({
      version: VERSION,
      storeDir: "/nix/store",
      priority: 30,
      access: "public",
      publicKeys: [PUBLIC_KEY_TWO, PUBLIC_KEY_ONE],
      signingKeys: [PUBLIC_KEY_ONE],
      proves: "file",
      uploads: true,
      partSizeThreshold: 16_777_216,
      batches: { hashes: 32_768, narinfos: 6, narBytes: 16_384 },
    });
    expect(await bucket.countRequests()).toBe(0);
  });

  it.each<{ what: string; settings: Record<string, string>; told: object }>([
    {
      what: "a private cache, to anyone",
      settings: { READ_ACCESS: "token" },
      told: { access: "token", uploads: true },
    },
    { what: "a cache that takes no uploads", settings: { TOKENS: "" }, told: { uploads: false } },
    {
      what: "a cache whose settings stop uploads",
      settings: { ON_CONFLICT: "maybe" },
      told: { uploads: false, publicKeys: [] },
    },
  ])("tells of $what", async ({ settings, told }) => {
    const { request } = await startGateway(settings);
    expect(await (await request("/api/v1/cache")).json()).toMatchObject(told);
  });

  it("is a misconfiguration where the gateway is", async () => {
    const { request } = await startGateway({ B2_BUCKET: "" });
    const response = await request("/api/v1/cache");
    expect(response.status).toBe(500);
    expect((await errorOf(response)).code).toBe("misconfigured");
  });
});

describe("GET /api/v1/token", () => {
  it.each([
    { token: PUSH_TOKEN, told: { name: "tests", scopes: ["push"], expires: null } },
    { token: READ_TOKEN, told: { name: "readers", scopes: ["read"], expires: null } },
    { token: ADMIN_TOKEN, told: { name: "root", scopes: ["admin"], expires: null } },
  ])("tells $told.name what it is", async ({ token, told }) => {
    const { request } = await startGateway();
    expect(await (await request("/api/v1/token", showing(token))).json()).toEqual(told);
  });

  it("tells when the token ends", async () => {
    const entry = {
      name: "ci",
      sha256: await sha256Hex("mine"),
      scopes: ["push"],
      expires: "2999-12-31",
    };
    const { request } = await startGateway({ TOKENS: JSON.stringify([entry]) });
    const response = await request("/api/v1/token", showing("mine"));
    expect(await response.json()).toMatchObject({ expires: "2999-12-31" });
  });

  it.each<{ what: string; init: RequestInit; code: string }>([
    { what: "none", init: {}, code: "credential-missing" },
    { what: "one that is unknown", init: showing("unknown"), code: "credential-wrong" },
  ])("asks for a token where there is $what", async ({ init, code }) => {
    const { request } = await startGateway();
    const response = await request("/api/v1/token", init);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Basic");
    expect((await errorOf(response)).code).toBe(code);
  });

  it("does not blame the token where TOKENS is broken", async () => {
    const { request } = await startGateway({ TOKENS: "[" });
    const response = await request("/api/v1/token", showing(PUSH_TOKEN));
    expect(response.status).toBe(500);
    expect((await errorOf(response)).code).toBe("misconfigured");
  });
});

describe("the API", () => {
  it("answers a failure in JSON, with the request's id, and nobody keeps it", async () => {
    const { request, log } = await startGateway();
    const response = await request("/api/v1/nothing", { headers: { "cf-ray": "8f00baa" } });
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.json()).toEqual({
      error: {
        code: "no-such-endpoint",
        message: "The API of this cache has no such path.",
        requestId: "8f00baa",
      },
    });
    expect(log[0]).toMatchObject({ route: "api", status: 404, fault: "no-such-endpoint" });
    expect(log[0]?.["path"]).toBeUndefined();
  });

  it.each([
    "/api/",
    "/api/v1",
    "/api/v1/",
    "/api/v1/cache/",
    "/api/v1//cache",
    "/api/v1/%63ache",
    "/api/v2/cache",
    "/api/v1/constructor",
  ])("has no path %s", async (path) => {
    const { request, bucket } = await startGateway();
    const response = await request(path);
    expect(response.status).toBe(404);
    expect((await errorOf(response)).code).toBe("no-such-endpoint");
    expect(await bucket.countRequests()).toBe(0);
  });

  it.each(["/api", "/%61pi/v1/cache", "//api/v1/cache", "/Api/v1/cache"])(
    "is not what answers %s",
    async (path) => {
      const { request } = await startGateway();
      const response = await request(path);
      expect(response.status).toBe(404);
      expect(response.headers.get("content-type")).toContain("text/plain");
    },
  );

  it.each([
    { path: "/api/v1/cache", method: "POST", allow: "GET, HEAD" },
    { path: "/api/v1/cache", method: "PUT", allow: "GET, HEAD" },
    { path: "/api/v1/token", method: "DELETE", allow: "GET, HEAD" },
    { path: "/api/v1/uploads", method: "GET", allow: "POST" },
    { path: "/api/v1/uploads/complete", method: "PUT", allow: "POST" },
    { path: "/api/v1/uploads/parts", method: "OPTIONS", allow: "POST" },
  ])("refuses $method of $path, and says what it takes", async ({ path, method, allow }) => {
    const { request } = await startGateway();
    const response = await request(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect((await errorOf(response)).code).toBe("method-not-allowed");
  });

  it("answers HEAD without a body, and ignores a query", async () => {
    const { request } = await startGateway();
    const response = await request("/api/v1/cache?x=1", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });
});

describe.each(POSTED)("POST /api/v1/%s", (path) => {
  it.each([
    { what: "no token", token: "", status: 401, code: "credential-missing" },
    { what: "a wrong token", token: "wrong", status: 401, code: "credential-wrong" },
    { what: "a token that may only read", token: READ_TOKEN, status: 403, code: "scope-missing" },
  ])("refuses $what", async ({ token, status, code }) => {
    const gateway = await startGateway();
    const response = await post(gateway, path, {}, token);
    expect(response.status).toBe(status);
    expect((await errorOf(response)).code).toBe(code);
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it.each([
    { what: "takes no uploads", settings: { TOKENS: "" }, status: 403, code: "uploads-off" },
    {
      what: "has settings that stop them",
      settings: { ON_CONFLICT: "maybe" },
      status: 500,
      code: "misconfigured",
    },
  ])("says that the cache $what", async ({ settings, status, code }) => {
    const response = await post(await startGateway(settings), path, {});
    expect(response.status).toBe(status);
    expect((await errorOf(response)).code).toBe(code);
  });

  it.each([
    { what: "no JSON", body: "{", message: "(the body is not JSON)." },
    { what: "nothing", body: "", message: "(the body is not JSON)." },
    { what: "a list", body: "[]", message: "(the body is not a JSON object)." },
    { what: "null", body: "null", message: "(the body is not a JSON object)." },
    { what: "an object without what it takes", body: "{}", message: "is missing)." },
  ])("refuses $what", async ({ body, message }) => {
    const gateway = await startGateway();
    const response = await post(gateway, path, body);
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error.code).toBe("upload-malformed");
    expect(error.message).toContain(message);
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it("refuses a body that is too long, before it is read", async () => {
    const response = await post(await startGateway(), path, `"${"x".repeat(65_535)}"`);
    expect(response.status).toBe(413);
    expect((await errorOf(response)).code).toBe("body-too-large");
  });

  it("refuses a body without a length", async () => {
    const { request } = await startGateway();
    const response = await request(`/api/v1/${path}`, {
      method: "POST",
      body: "{}",
      headers: { authorization: `Bearer ${PUSH_TOKEN}` },
    });
    expect(response.status).toBe(411);
    expect((await errorOf(response)).code).toBe("length-required");
  });

  it("refuses a body that is cut", async () => {
    const { request } = await startGateway();
    const response = await request(`/api/v1/${path}`, {
      method: "POST",
      body: "{}",
      headers: { authorization: `Bearer ${PUSH_TOKEN}`, "content-length": "10" },
    });
    expect(response.status).toBe(400);
    expect((await errorOf(response)).code).toBe("body-too-short");
  });
});
