import { describe, expect, it } from "vitest";
import { githubTrust } from "../../../testkit/fake-issuer.ts";
import { READ_TOKEN, startGateway } from "../../../testkit/workerd/gateway.ts";
import { HASH, startFilledGateway } from "../../../testkit/workerd/prepared.ts";
import { makeStorePath } from "../../../testkit/store-path.ts";

describe("a gateway with HOSTS", () => {
  it("answers to these names alone, on every route", async () => {
    const elsewhere = await startGateway({ HOSTS: "127.0.0.1 other.example" });
    for (const name of ["/", "/nix-cache-info", `/${HASH}.narinfo`, "/api/v1/cache", "/healthz"]) {
      const refused = await elsewhere.request(name);
      expect(refused.status, name).toBe(421);
      expect(await refused.text(), name).toContain("HOSTS");
    }
    expect((await elsewhere.request("/x", { method: "DELETE" })).status).toBe(421);
    const here = await startGateway({ HOSTS: "other.example CACHE.example.org" });
    expect((await here.request("/nix-cache-info")).status).toBe(200);
  });
});

describe("a gateway with a broken setting", () => {
  it("answers 500 everywhere and names every bad setting in the log, but no value", async () => {
    const secret = "a secret that is wrong";
    const { bucket, log, request } = await startGateway({
      B2_ENDPOINT: "ftp://x",
      B2_BUCKET: "",
      B2_KEY_ID: secret,
    });
    for (const name of ["/", "/nix-cache-info", `/${HASH}.narinfo`]) {
      const response = await request(name);
      expect(response.status, name).toBe(500);
      const text = await response.text();
      expect(text).toContain("not configured correctly");
      expect(text).not.toContain("B2_");
    }
    const lines = log.filter((line) => line["fault"] === "misconfigured");
    for (const setting of ["B2_ENDPOINT", "B2_BUCKET", "B2_KEY_ID"]) {
      expect(lines[0]?.["detail"]).toContain(setting);
    }
    expect(JSON.stringify(log)).not.toContain(secret);
    expect(await bucket.countRequests()).toBe(0);
  });

  it.each([
    { what: "TOKENS", settings: { TOKENS: "[{}]" } },
    { what: "SIGNING_KEY", settings: { SIGNING_KEY: "nonsense" } },
    { what: "TRUSTED_PUBLIC_KEYS", settings: { TRUSTED_PUBLIC_KEYS: "nonsense" } },
    { what: "a misspelt setting", settings: { TRUSTED_PUBLIC_KEY: "x" } },
  ])("goes on serving with a broken $what, and takes no upload", async ({ settings }) => {
    const { path, push, request } = await startFilledGateway(settings as Record<string, string>);
    expect((await request(path.narinfoPath)).status).toBe(200);
    const other = await makeStorePath(HASH, { seed: 2 });
    expect((await push(other.narPath, other.nar)).status).toBe(500);
  });

  it.each([
    { what: "TOKENS", broken: "TOKENS", token: READ_TOKEN },
    { what: "OIDC_TRUST", broken: "OIDC_TRUST", token: "eyJhbGciOiJSUzI1NiJ9.e30.x" },
  ])(
    "does not take a token of a private cache for a wrong one where $what is broken",
    async ({ broken, token }) => {
      const trust = [githubTrust("https://issuer.example.org", "https://cache.example.org")];
      const { path, request } = await startFilledGateway({
        READ_ACCESS: "token",
        OIDC_TRUST: JSON.stringify(trust),
        [broken]: "[",
      });
      for (const name of [path.narinfoPath, "/api/v1/token"]) {
        const response = await request(name, { headers: { authorization: `Bearer ${token}` } });
        expect(response.status, name).toBe(500);
      }
    },
  );

  it("does not serve a private cache whose TOKENS is broken", async () => {
    const { path, request } = await startFilledGateway({ READ_ACCESS: "token", TOKENS: "x" });
    expect((await request(path.narinfoPath)).status).toBe(500);
  });
});

describe("settings that cannot mean what they say", () => {
  it.each([
    { what: "a list", settings: { TRUSTED_PUBLIC_KEYS: ["a", "b"] }, reads: 200, writes: 500 },
    { what: "an unknown number", settings: { PRIORTY: 30 }, reads: 200, writes: 500 },
    { what: "a boolean", settings: { READ_ACCESS: true }, reads: 500, writes: 500 },
    { what: "a number", settings: { PRIORITY: 30 }, reads: 500, writes: 500 },
    {
      what: "an endpoint with the bucket in it",
      settings: {
        B2_ENDPOINT: "https://some-bucket.s3.us-east-005.backblazeb2.com",
        B2_BUCKET: "some-bucket",
      },
      reads: 500,
      writes: 500,
    },
    {
      what: "a region that is not the endpoint's",
      settings: { B2_ENDPOINT: "https://s3.us-west-004.backblazeb2.com" },
      reads: 500,
      writes: 500,
    },
  ])("are refused: $what", async ({ settings, reads, writes }) => {
    const { path, push, request } = await startFilledGateway(settings as never);
    expect((await request(path.narinfoPath)).status).toBe(reads);
    expect((await push(path.narinfoPath, path.narinfo)).status).toBe(writes);
  });
});

describe("settings", () => {
  it("say what nix-cache-info says", async () => {
    const { request } = await startGateway({ STORE_DIR: "/gnu/store", PRIORITY: "30" });
    expect(await (await request("/nix-cache-info")).text()).toBe(
      "StoreDir: /gnu/store\nWantMassQuery: 1\nPriority: 30\n",
    );
  });

  it("show their public keys at /, with the lines for nix.conf", async () => {
    const key = "ai-dev-env-cache:tnq6DY4gINIayQn66wpDz5HdUmPE5hQDRE0ujMLTxQI=";
    const { request } = await startGateway({ PUBLIC_KEYS: key });
    const text = await (await request("/")).text();
    expect(text).toContain("extra-substituters = https://cache.example.org\n");
    expect(text).toContain(`extra-trusted-public-keys = ${key}\n`);
  });
});
