import { describe, expect, it } from "vitest";
import { PUSH_TOKEN, READ_TOKEN, startGateway } from "../../../testkit/workerd/gateway.ts";
import { HASH, startFilledGateway } from "../../../testkit/workerd/prepared.ts";
import { makeStorePath } from "../../../testkit/store-path.ts";

const basic = (user: string, password: string) => ({
  authorization: `Basic ${btoa(`${user}:${password}`)}`,
});

describe("a push", () => {
  it.each([
    { what: "no token", headers: { authorization: "" }, status: 401, says: "netrc" },
    {
      what: "a wrong token",
      headers: { authorization: "Bearer wrong" },
      status: 401,
      says: "unknown or has expired",
    },
    { what: "a wrong password", headers: basic("x", "wrong"), status: 401, says: "unknown" },
    {
      what: "a token as the user name",
      headers: basic(PUSH_TOKEN, ""),
      status: 401,
      says: "netrc",
    },
    {
      what: "another scheme",
      headers: { authorization: `Digest ${PUSH_TOKEN}` },
      status: 401,
      says: "netrc",
    },
    {
      what: "a token without the scope",
      headers: { authorization: `Bearer ${READ_TOKEN}` },
      status: 403,
      says: "push",
    },
  ])("with $what is refused in one line, and stores nothing", async ({ headers, status, says }) => {
    const { bucket, push } = await startGateway();
    const path = await makeStorePath(HASH);
    for (const [name, body] of [
      [path.narPath, path.nar],
      [path.narinfoPath, path.narinfo],
      [`/${HASH}.ls`, "{}"],
      ["/nix-cache-info", "StoreDir: /nix/store\n"],
    ] as const) {
      const response = await push(name, body, headers);
      expect(response.status, name).toBe(status);
      const line = await response.text();
      expect(line).toContain(says);
      expect(line.trimEnd()).not.toContain("\n");
      expect(response.headers.has("www-authenticate")).toBe(status === 401);
    }
    expect(await bucket.countRequests()).toBe(0);
  });

  it("takes the token as the password of Basic, under any user name", async () => {
    const { push } = await startGateway();
    const path = await makeStorePath(HASH);
    for (const user of ["", "anyone"]) {
      expect((await push(path.narPath, path.nar, basic(user, PUSH_TOKEN))).status).toBe(200);
    }
  });

  it("is refused with a token whose last day is over", async () => {
    const { push } = await startGateway({
      TOKENS: JSON.stringify([
        {
          name: "old",
          sha256: new Uint8Array(
            await crypto.subtle.digest("SHA-256", new TextEncoder().encode(PUSH_TOKEN)),
          ).toHex(),
          scopes: ["push"],
          expires: "2020-01-01",
        },
      ]),
    });
    const path = await makeStorePath(HASH);
    expect((await push(path.narPath, path.nar)).status).toBe(401);
  });

  it("is refused by a cache without tokens", async () => {
    const { push } = await startGateway({ TOKENS: "" });
    const path = await makeStorePath(HASH);
    const response = await push(path.narPath, path.nar);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("accepts no uploads");
  });
});

describe("a read of a public cache", () => {
  it("ignores a bad credential", async () => {
    const { path, request } = await startFilledGateway();
    const response = await request(path.narinfoPath, {
      headers: { authorization: "Bearer wrong" },
    });
    expect(response.status).toBe(200);
  });
});

describe("a private cache", () => {
  const PRIVATE = { READ_ACCESS: "token" };

  it("lets nobody read without a token, not even what the edge keeps", async () => {
    const { path, request } = await startFilledGateway(PRIVATE);
    const reader = { headers: basic("", READ_TOKEN) };
    expect((await request(path.narPath, reader)).status).toBe(200);
    for (const name of ["/nix-cache-info", path.narinfoPath, path.narPath]) {
      expect((await request(name)).status, name).toBe(401);
      expect((await request(name, { method: "HEAD" })).status, name).toBe(401);
      expect((await request(name, { headers: { authorization: "Bearer x" } })).status).toBe(401);
    }
  });

  it("serves token holders through the edge, and lets nobody else keep it", async () => {
    const { bucket, path, request } = await startFilledGateway(PRIVATE);
    const reader = { headers: basic("", READ_TOKEN) };
    for (const name of ["/nix-cache-info", path.narinfoPath, path.narPath]) {
      const response = await request(name, reader);
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toBe("private, no-store");
    }
    await bucket.clearRequests();
    await request(path.narPath, reader);
    expect(await bucket.countRequests()).toBe(0);
  });
});
