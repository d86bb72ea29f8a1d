import { describe, expect, it } from "vitest";
import { githubTrust } from "../../../testkit/fake-issuer.ts";
import { unsignedToken } from "../../../testkit/workerd/bad-tokens.ts";
import { PUSH_TOKEN, READ_TOKEN } from "../../../testkit/workerd/gateway.ts";
import { startOidcGateway } from "../../../testkit/workerd/oidc-gateway.ts";
import { AUDIENCE, GOOD_CLAIMS, ISSUER } from "../../../testkit/workerd/oidc-verifier.ts";
import { OTHER_HASH, startFilledGateway } from "../../../testkit/workerd/prepared.ts";
import { makeStorePath } from "../../../testkit/store-path.ts";

const NAME = "issuer.example.org:octo-org/octo-repo";
const UNAVAILABLE =
  "The token cannot be checked, because the issuer of this OIDC token does not publish its keys right now. Try again shortly.\n";

describe("a push with an OIDC token", () => {
  it("is taken, and logged under the name of its repository", async () => {
    const { log, push, holder } = await startOidcGateway();
    const path = await makeStorePath(OTHER_HASH, { seed: 2 });
    const headers = await holder();
    expect((await push(path.narPath, path.nar, headers)).status).toBe(200);
    expect((await push(path.narinfoPath, path.narinfo, headers)).status).toBe(200);
    expect(log.at(-1)).toMatchObject({ token: NAME, scope: "push", status: 200 });
    expect(JSON.stringify(log)).not.toContain(headers.authorization.slice(7, 60));
  });

  it("takes it as the password of Basic", async () => {
    const { path, push, holder } = await startOidcGateway();
    const { authorization } = await holder();
    const basic = { authorization: `Basic ${btoa(`:${authorization.slice("Bearer ".length)}`)}` };
    expect((await push(path.narPath, path.nar, basic)).status).toBe(200);
  });

  it("needs no TOKENS, and leaves those that there are as they are", async () => {
    const without = await startOidcGateway({ TOKENS: "" });
    const { path } = without;
    expect((await without.push(path.narPath, path.nar, await without.holder())).status).toBe(200);
    const beside = await startOidcGateway();
    beside.issuer.goDown();
    expect((await beside.push(path.narPath, path.nar)).status).toBe(200);
    expect(beside.issuer.requests).toEqual([]);
  });

  const expired = Math.floor(Date.now() / 1000) - 3600;

  it.each([
    {
      what: "from pull_request_target",
      claims: { event_name: "pull_request_target" },
      line: "This cache does not accept an OIDC token that has event_name (pull_request_target).",
    },
    {
      what: "from a repository with the same name and another id",
      claims: { repository_id: "75", repository: "octo-org/octo-repo" },
      line: "This cache does not accept an OIDC token that has repository_id (75).",
    },
    {
      what: "that has expired",
      claims: { exp: expired },
      line: `This OIDC token has expired. Ask the issuer for a new one. This token ended at ${new Date(expired * 1000).toISOString().replace(".000", "")}.`,
    },
    {
      what: "for another service",
      claims: { aud: "sts.amazonaws.com" },
      line: "This OIDC token is for another audience. Ask the issuer for a token with the audience https://cache.example.org (this token has sts.amazonaws.com).",
    },
  ])("$what is refused with a line that says why", async ({ claims, line }) => {
    const { bucket, log, path, push, holder } = await startOidcGateway();
    await bucket.clearRequests();
    const headers = await holder(claims);
    for (const [name, body] of [
      [path.narPath, path.nar],
      [path.narinfoPath, path.narinfo],
      ["/nix-cache-info", "StoreDir: /nix/store\n"],
    ] as const) {
      const response = await push(name, body, headers);
      expect(response.status, name).toBe(401);
      expect(await response.text()).toBe(`${line}\n`);
      expect(response.headers.get("www-authenticate")).toMatch("Basic");
    }
    expect(await bucket.countRequests()).toBe(0);
    expect(log.at(-1)).toMatchObject({ level: "info", token: undefined });
  });

  it("may wait for an issuer that is down, and is then told to try again", async () => {
    const { log, path, push, holder, issuer } = await startOidcGateway();
    issuer.goDown();
    const response = await push(path.narPath, path.nar, await holder());
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await response.text()).toBe(UNAVAILABLE);
    expect(log.at(-1)).toMatchObject({
      level: "warn",
      fault: "oidc-issuer-unavailable",
      detail: "no keys of https://issuer.example.org",
      cause: expect.stringContaining("answered 503"),
    });
  });

  it("by a Nix that would resend an empty body is then told in another status", async () => {
    const { path, push, holder, issuer } = await startOidcGateway();
    issuer.goDown();
    const headers = { ...(await holder()), "user-agent": "curl/8.9.1 Nix/2.18.1" };
    const response = await push(path.narPath, path.nar, headers);
    expect(response.status).toBe(501);
    expect(await response.text()).toContain("does not publish its keys right now");
  });

  it("that may only read is told why it may not push", async () => {
    const { path, push, holder } = await startOidcGateway({}, [
      { ...githubTrust(ISSUER, AUDIENCE), claims: { repository_id: "74" }, scopes: ["read"] },
      githubTrust(ISSUER, AUDIENCE),
    ]);
    const headers = await holder({ event_name: "pull_request_target" });
    const response = await push(path.narPath, path.nar, headers);
    expect(response.status).toBe(401);
    expect(await response.text()).toBe(
      "This cache does not accept an OIDC token that has event_name (pull_request_target).\n",
    );
  });

  it("where no entry earns push is told so", async () => {
    const { path, push, holder } = await startOidcGateway({}, [
      { ...githubTrust(ISSUER, AUDIENCE), scopes: ["read"] },
    ]);
    const response = await push(path.narPath, path.nar, await holder());
    expect(response.status).toBe(403);
    expect(await response.text()).toContain(
      "Ask the operator of the cache for a token with the scope push.",
    );
  });

  it("never deletes", async () => {
    const { path, request, holder } = await startOidcGateway();
    const response = await request(path.narinfoPath, { method: "DELETE", headers: await holder() });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("scope admin.");
  });

  it("is one with an unknown token where OIDC_TRUST is not set", async () => {
    const { path, push } = await startFilledGateway();
    const authorization = `Bearer ${unsignedToken(GOOD_CLAIMS)}`;
    const response = await push(path.narPath, path.nar, { authorization });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain("unknown or has expired");
  });
});

describe("a read of a public cache with an OIDC token", () => {
  it.each([
    { what: "refused", claims: { event_name: "pull_request_target" } },
    { what: "expired", claims: { exp: 1 } },
    { what: "of an unknown issuer", claims: { iss: "https://evil.example" } },
  ])("that is $what is as good as without", async ({ claims }) => {
    const { path, request, holder } = await startOidcGateway();
    for (const name of ["/nix-cache-info", path.narinfoPath, path.narPath, "/"]) {
      expect((await request(name, { headers: await holder(claims) })).status, name).toBe(200);
    }
  });

  it("is answered before an issuer that is slow", async () => {
    const { environment, holder } = await startOidcGateway();
    const answeredBefore: unknown[] = [];
    const { log, path, request } = await startFilledGateway(
      { OIDC_TRUST: JSON.stringify([githubTrust(ISSUER, AUDIENCE)]) },
      1000,
      {
        ...environment,
        async fetch() {
          await scheduler.wait(500);
          answeredBefore.push(...log.map(({ status }) => status));
          throw new TypeError("no answer");
        },
      },
    );
    const headers = await holder();
    await Promise.all([path.narinfoPath, path.narPath].map((name) => request(name, { headers })));
    expect(answeredBefore).toEqual([200, 200]);
  });

  it("goes on while the issuer is down, and asks it rarely", async () => {
    const { path, request, holder, issuer } = await startOidcGateway();
    issuer.goDown();
    const headers = await holder();
    for (let count = 0; count < 20; count++) {
      expect((await request(path.narinfoPath, { headers })).status).toBe(200);
    }
    expect(issuer.requests).toHaveLength(1);
  });

  it("is a pusher's once the issuer's keys are here: no absence is believed or kept", async () => {
    const { bucket, log, request, holder } = await startOidcGateway();
    const absent = `/${OTHER_HASH}.narinfo`;
    await request(absent);
    const headers = await holder();
    // Has the keys fetched, behind the answer.
    await request("/nix-cache-info", { headers });
    await bucket.clearRequests();
    for (let count = 0; count < 2; count++) {
      expect((await request(absent, { headers })).status).toBe(404);
    }
    expect(await bucket.countRequests()).toBe(2);
    expect(log.at(-1)).toMatchObject({ token: NAME });
  });

  it("goes on where OIDC_TRUST is broken, and no upload does", async () => {
    const { path, push, request } = await startFilledGateway({ OIDC_TRUST: "[{}]" });
    expect((await request(path.narinfoPath)).status).toBe(200);
    expect((await push(path.narPath, path.nar)).status).toBe(500);
  });
});

describe("a private cache with OIDC_TRUST", () => {
  const PRIVATE = { READ_ACCESS: "token", TOKENS: "" };
  const readers = {
    ...githubTrust(ISSUER, AUDIENCE),
    claims: { repository_owner_id: "65" },
    scopes: ["read"],
  };

  it("lets those read who earn it, and keeps what they get from others", async () => {
    const { path, request, holder } = await startOidcGateway(PRIVATE, [readers]);
    const response = await request(path.narinfoPath, { headers: await holder() });
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
  });

  it("tells the others why not, in 401", async () => {
    const { path, request, holder } = await startOidcGateway(PRIVATE, [readers]);
    const headers = await holder({ repository_owner_id: "66" });
    for (const name of ["/nix-cache-info", path.narinfoPath, path.narPath]) {
      const response = await request(name, { headers });
      expect(response.status).toBe(401);
      expect(await response.text()).toBe(
        "This cache does not accept an OIDC token that has repository_owner_id (66).\n",
      );
    }
    expect(await (await request(path.narPath)).text()).toContain("A token is required");
  });

  it("tells them that their issuer is down, and serves the others", async () => {
    const { path, request, holder, issuer } = await startOidcGateway({ READ_ACCESS: "token" });
    issuer.goDown();
    const response = await request(path.narinfoPath, { headers: await holder() });
    expect(response.status).toBe(503);
    expect(await response.text()).toBe(UNAVAILABLE);
    for (const token of [READ_TOKEN, PUSH_TOKEN]) {
      const headers = { authorization: `Bearer ${token}` };
      expect((await request(path.narinfoPath, { headers })).status).toBe(200);
    }
  });
});

describe("GET /healthz with an OIDC token", () => {
  it("says ok to it as to anyone, and asks no issuer", async () => {
    const { request, holder, issuer } = await startOidcGateway();
    const response = await request("/healthz", { headers: await holder() });
    expect(await response.text()).toBe("ok\n");
    expect(issuer.requests).toEqual([]);
  });
});
