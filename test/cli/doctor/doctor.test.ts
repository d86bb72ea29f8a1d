import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeThrowAwayPath } from "../../../src/cli/doctor/throw-away-path.ts";
import {
  type LocalGateway,
  PUSH_TOKEN,
  READ_TOKEN,
  startLocalGateway,
} from "../../../testkit/node/local-gateway.ts";
import { createFakeNix, type FakeNixOptions } from "../../../testkit/node/fake-nix.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";

// workerd starts, and on a busy machine all of it takes longer.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

const ADMIN_TOKEN = "admin-token-of-the-tests";
const NOW = new Date();
const SOON = new Date(NOW.getTime() + 5 * 86_400_000).toISOString().slice(0, 10);

const TOKENS = JSON.stringify(
  [
    { name: "ci", token: PUSH_TOKEN, scopes: ["push"], expires: SOON },
    { name: "reader", token: READ_TOKEN, scopes: ["read"] },
    { name: "boss", token: ADMIN_TOKEN, scopes: ["admin"] },
  ].map(({ token, ...entry }) => ({
    ...entry,
    sha256: createHash("sha256").update(token).digest("hex"),
  })),
);

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly says: string;
  readonly remedy?: string;
}

async function examine(
  { url, publicKey }: LocalGateway,
  token?: string,
  nix: FakeNixOptions = {},
  more: readonly string[] = [],
) {
  const directory = await temporaryDirectory();
  const system = { substituters: [`${url}/`], "trusted-public-keys": [publicKey] };
  const PATH = await createFakeNix(directory, {
    store: { url: "daemon", trusted: true },
    system,
    ...nix,
  });
  const env = { PATH, HOME: directory, ...(token === undefined ? {} : { NARGATE_TOKEN: token }) };
  const { code, stdout } = await runNargate(["doctor", url, "--json", ...more], {
    env,
    cwd: directory,
    now: () => NOW,
  });
  const { checks } = JSON.parse(stdout) as { checks: readonly Finding[] };
  return { code, checks, of: (name: string) => checks.find(({ check }) => check === name) };
}

describe("nargate doctor of a public cache", () => {
  let gateway: LocalGateway;
  beforeAll(async () => {
    gateway = await startLocalGateway({ TOKENS });
  });
  afterAll(() => gateway.stop());

  it("finds all well for an admin, and leaves nothing behind", async () => {
    const { code, checks } = await examine(gateway, ADMIN_TOKEN);
    expect(code).toBe(0);
    expect(checks.map(({ check, verdict }) => `${check}: ${verdict}`)).toEqual([
      "reachable: ok",
      "bot challenge: ok",
      "cache info: ok",
      "priority: ok",
      "public key: ok",
      "signing: ok",
      "nix.conf: ok",
      "token: ok",
      "round trip: ok",
      "large NARs: ok",
      "edge: ok",
      "clean-up: ok",
      // workerd sends no Date here; Cloudflare does.
      "clock: skipped",
      "version: ok",
      "netrc: skipped",
    ]);
    const { hash, narUrl } = await makeThrowAwayPath("/nix/store");
    expect(gateway.bucket.keys()).not.toContain(`${hash}.narinfo`);
    expect(gateway.bucket.keys()).not.toContain(narUrl);
  });

  it("says what it skips without a token, and why", async () => {
    const { code, of } = await examine(gateway);
    expect(code).toBe(0);
    expect(of("token")).toMatchObject({
      verdict: "skipped",
      says: expect.stringMatching(/^no token was given/),
    });
    expect(of("round trip")).toMatchObject({
      verdict: "skipped",
      says: "needs a token that may push",
    });
    expect(of("edge")?.verdict).toBe("skipped");
    expect(of("netrc")).toMatchObject({
      verdict: "skipped",
      says: "this cache is public and needs no token",
    });
  });

  it("does not push with a token that may only read", async () => {
    const { of } = await examine(gateway, READ_TOKEN);
    expect(of("token")).toMatchObject({
      verdict: "ok",
      says: "reader (of NARGATE_TOKEN): read, no expiry date known",
    });
    expect(of("round trip")).toMatchObject({ verdict: "skipped", says: "the token may not push" });
  });

  it("warns of a token that ends within a week, and says that a pusher's path stays", async () => {
    const { code, of } = await examine(gateway, PUSH_TOKEN);
    expect(code).toBe(0);
    expect(of("token")).toMatchObject({
      verdict: "warn",
      says: `ci (of NARGATE_TOKEN): push, valid until ${SOON}`,
    });
    expect(of("round trip")?.verdict).toBe("ok");
    expect(of("clean-up")?.says).toMatch(/^the throw-away path stays/);
    const { hash } = await makeThrowAwayPath("/nix/store");
    expect(gateway.bucket.keys()).toContain(`${hash}.narinfo`);
    // Once it is there, the edge can be looked at without a token.
    expect((await examine(gateway)).of("edge")?.verdict).toBe("ok");
    const named = await examine(gateway, undefined, {}, ["--path", hash]);
    expect(named.of("edge")?.verdict).toBe("ok");
  });

  it("fails for a token that the cache does not know", async () => {
    const { code, of } = await examine(gateway, "wrong");
    expect(code).toBe(1);
    expect(of("token")).toMatchObject({
      verdict: "FAIL",
      says: expect.stringMatching(/^the token of NARGATE_TOKEN: .* 401 /),
      remedy: expect.stringContaining("uses --token-file first"),
    });
  });

  it.each([
    {
      what: "warns where Nix does not use the cache",
      system: {},
      verdict: "warn",
      says: "Nix on this machine does not use this cache",
      remedy: /^Run: nargate use http\S+ --write$/,
    },
    {
      what: "sends an untrusted user to the system's file",
      system: {},
      trusted: false,
      verdict: "warn",
      says: "Nix on this machine does not use this cache",
      remedy: /into \/etc\/nix\/nix\.conf: the Nix daemon does not trust alice\.$/,
    },
    {
      what: "fails where Nix does not trust the key",
      system: (url: string) => ({ substituters: [`${url}?priority=30`] }),
      verdict: "FAIL",
      says: "Nix uses the cache, but does not trust its key gateway-1",
      remedy: /^Run: nargate use/,
    },
    {
      what: "fails where Nix trusts another key of that name",
      system: (url: string) => ({
        substituters: [url],
        "trusted-public-keys": ["gateway-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
      }),
      verdict: "FAIL",
      says: "Nix trusts a key with the name gateway-1, but the cache publishes another key of this name",
      remedy: /^In trusted-public-keys, replace the key gateway-1 by gateway-1:/,
    },
  ])("$what", async ({ system, trusted = true, verdict, says, remedy }) => {
    const { code, of } = await examine(gateway, undefined, {
      store: { url: "daemon", trusted },
      system: typeof system === "function" ? system(gateway.url) : system,
    });
    expect(of("nix.conf")).toMatchObject({ verdict, says, remedy: expect.stringMatching(remedy) });
    expect(code).toBe(verdict === "FAIL" ? 1 : 0);
  });
});

describe("nargate doctor of a cache with other settings", () => {
  it("warns of an edge that is off, of a low priority, and of no key", async () => {
    const gateway = await startLocalGateway({
      TOKENS,
      EDGE: "off",
      PRIORITY: "40",
      SIGNING_KEY: "",
    });
    try {
      const { code, of } = await examine(gateway, ADMIN_TOKEN);
      expect(code).toBe(0);
      expect(of("edge")).toMatchObject({
        verdict: "warn",
        says: "edge bypass, in 3 attempts",
        remedy: expect.stringContaining("EDGE is off"),
      });
      expect(of("priority")).toMatchObject({
        verdict: "warn",
        says: "40: Nix asks this cache as early as cache.nixos.org, for all of nixpkgs",
      });
      expect(of("public key")).toMatchObject({
        verdict: "warn",
        says: "the cache publishes no key",
      });
    } finally {
      await gateway.stop();
    }
  });

  it("fails with the cache's own line when a push is refused", async () => {
    const gateway = await startLocalGateway({ TOKENS });
    try {
      gateway.faults.add({
        match: { operation: "PutObject" },
        effect: { status: 403, code: "AccessDenied" },
      });
      const { code, of } = await examine(gateway, PUSH_TOKEN);
      expect(code).toBe(1);
      expect(of("round trip")).toMatchObject({ verdict: "FAIL" });
      expect(of("round trip")?.says).toMatch(/^PUT nar\/[0-9a-z]{52}\.nar: 5\d\d /);
      expect(of("round trip")?.remedy).toBeDefined();
      expect(of("clean-up")).toBeUndefined();
    } finally {
      await gateway.stop();
    }
  });
});
