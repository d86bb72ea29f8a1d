import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Settings,
  parseSettings,
  type Setting,
  SETTINGS,
} from "../../src/settings/settings.ts";
import type { ReadSettings } from "../../src/settings/read-settings.ts";
import { PUBLIC_KEY_ONE, PUBLIC_KEY_TWO, SECRET_KEY_ONE } from "../nix/data/keys.ts";

const BUCKET = {
  B2_ENDPOINT: "https://s3.us-east-005.backblazeb2.com",
  B2_REGION: "us-east-005",
  B2_BUCKET: "ai-dev-env",
  B2_KEY_ID: "0051a2b3c4d5e6f0000000001",
  B2_APPLICATION_KEY: "K005abcdefghijklmnopqrstuvwxyz0",
};
const TOKENS = JSON.stringify([{ name: "ci", sha256: "0a".repeat(32), scopes: ["push"] }]);

function readsOf(settings: Readonly<Record<string, unknown>>): ReadSettings {
  const { reads } = parseSettings({ ...BUCKET, ...settings });
  if (!reads.ok) throw new Error(JSON.stringify(reads.error));
  return reads.value;
}

function problemsOf(half: Settings["reads"] | Settings["pushes"]): string[] {
  return half.ok ? [] : half.error.map(({ setting, problem }) => `${setting} ${problem}`);
}

describe("parseSettings", () => {
  it("reports every required setting that is missing, at once", () => {
    const { reads } = parseSettings({});
    expect(problemsOf(reads)).toEqual([
      "B2_ENDPOINT is not set",
      "B2_REGION is not set",
      "B2_BUCKET is not set",
      "B2_KEY_ID is not set",
      "B2_APPLICATION_KEY is not set",
    ]);
  });

  it("reports every wrong setting at once, each once", () => {
    const wrong = Object.fromEntries(SETTINGS.map((setting) => [setting, "…"]));
    const { reads, pushes } = parseSettings(wrong);
    const settings = [...(reads.ok ? [] : reads.error), ...(pushes.ok ? [] : pushes.error)].map(
      ({ setting }) => setting,
    );
    expect(settings.toSorted()).toEqual([...SETTINGS].toSorted());
  });

  it("takes defaults for all that is not set", () => {
    const { reads, pushes, tokens } = parseSettings(BUCKET);
    expect(tokens).toEqual([]);
    expect(reads.ok && reads.value).toEqual({
      bucket: {
        endpoint: BUCKET.B2_ENDPOINT,
        region: BUCKET.B2_REGION,
        bucket: BUCKET.B2_BUCKET,
        prefix: "",
        keyId: BUCKET.B2_KEY_ID,
        applicationKey: BUCKET.B2_APPLICATION_KEY,
      },
      storeDir: "/nix/store",
      priority: 41,
      edge: "workers-cache",
      edgeEpoch: "0",
      isPrivate: false,
      absent: "bucket",
      bucketDown: "fail",
      logs: "requests",
      publicKeys: [],
      hosts: [],
    });
    expect(pushes.ok && pushes.value).toEqual({
      signingKey: undefined,
      trustedPublicKeys: [],
      onConflict: "keep",
      prove: "file",
    });
  });

  it("takes an empty setting for one that is not set, and trims others", () => {
    const empty = Object.fromEntries(SETTINGS.map((setting) => [setting, " "]));
    expect(parseSettings({ ...empty, ...BUCKET })).toEqual(parseSettings(BUCKET));
    expect(problemsOf(parseSettings(empty).reads)).toHaveLength(5);
    expect(readsOf({ B2_BUCKET: " ai-dev-env\n" }).bucket.bucket).toBe("ai-dev-env");
  });

  it("reads every setting", () => {
    const { reads, pushes, tokens } = parseSettings({
      ...BUCKET,
      B2_PREFIX: "nix/cache",
      STORE_DIR: "/opt/nix-2.0/store",
      PRIORITY: "0",
      EDGE: "cache-api",
      EDGE_EPOCH: "v2.1",
      READ_ACCESS: "token",
      ABSENT: "filter",
      BUCKET_DOWN: "miss",
      LOG: "faults",
      PUBLIC_KEYS: `${PUBLIC_KEY_ONE}\n  ${PUBLIC_KEY_TWO}`,
      TOKENS,
      SIGNING_KEY: SECRET_KEY_ONE,
      TRUSTED_PUBLIC_KEYS: PUBLIC_KEY_TWO,
      ON_CONFLICT: "refuse",
      PROVE: "contents",
    });
    expect(reads.ok && reads.value).toMatchObject({
      bucket: { prefix: "nix/cache/" },
      storeDir: "/opt/nix-2.0/store",
      priority: 0,
      edge: "cache-api",
      edgeEpoch: "v2.1",
      absent: "filter",
      isPrivate: true,
      bucketDown: "miss",
      logs: "faults",
      publicKeys: [{ name: "nargate-test-1" }, { name: "nargate-test-2" }],
    });
    expect(tokens).toMatchObject([{ name: "ci" }]);
    expect(pushes.ok && pushes.value).toMatchObject({
      signingKey: { name: "nargate-test-1" },
      trustedPublicKeys: [{ name: "nargate-test-2" }],
      onConflict: "refuse",
      prove: "contents",
    });
  });

  it.each<{ what: string; setting: Setting; value: string }>([
    { what: "a bucket name with a slash", setting: "B2_BUCKET", value: "bucket/nix" },
    { what: "a bucket name of two letters", setting: "B2_BUCKET", value: "ab" },
    { what: "a region with a dot", setting: "B2_REGION", value: "us.east" },
    { what: "a key ID with a space", setting: "B2_KEY_ID", value: "a b" },
    { what: "an application key with a newline", setting: "B2_APPLICATION_KEY", value: "a\nb" },
    { what: "a relative store directory", setting: "STORE_DIR", value: "nix/store" },
    { what: "a store directory with a final slash", setting: "STORE_DIR", value: "/nix/store/" },
    { what: "a negative priority", setting: "PRIORITY", value: "-1" },
    { what: "a priority with a unit", setting: "PRIORITY", value: "41x" },
    { what: "a host name with a port", setting: "HOSTS", value: "localhost:8787" },
    { what: "a URL for a host name", setting: "HOSTS", value: "a.example https://b.example" },
    { what: "an unknown engine", setting: "EDGE", value: "kv" },
    { what: "an epoch with a slash", setting: "EDGE_EPOCH", value: "1/2" },
    { what: "an unknown access", setting: "READ_ACCESS", value: "private" },
    { what: "an unknown answer of a bucket that is down", setting: "BUCKET_DOWN", value: "404" },
    { what: "an unknown log", setting: "LOG", value: "none" },
    { what: "a public key cut off", setting: "PUBLIC_KEYS", value: PUBLIC_KEY_ONE.slice(0, -4) },
    { what: "a secret key for a public one", setting: "PUBLIC_KEYS", value: SECRET_KEY_ONE },
    { what: "an unknown conflict rule", setting: "ON_CONFLICT", value: "replace" },
    { what: "an unknown proof", setting: "PROVE", value: "nar" },
    { what: "a public key to sign with", setting: "SIGNING_KEY", value: PUBLIC_KEY_ONE },
    { what: "one bad key of two", setting: "TRUSTED_PUBLIC_KEYS", value: `${PUBLIC_KEY_ONE} x` },
  ])("refuses $what", ({ setting, value }) => {
    const { reads, pushes } = parseSettings({ ...BUCKET, [setting]: value });
    const problems = [...(reads.ok ? [] : reads.error), ...(pushes.ok ? [] : pushes.error)];
    expect(problems.map((problem) => problem.setting)).toEqual([setting]);
  });
});

describe("B2_ENDPOINT", () => {
  it.each([
    { value: "https://s3.us-east-005.backblazeb2.com/", origin: BUCKET.B2_ENDPOINT },
    { value: "https://S3.us-east-005.backblazeb2.com", origin: BUCKET.B2_ENDPOINT },
    { value: "https://minio.lan:9000", origin: "https://minio.lan:9000" },
    { value: "http://127.0.0.1:9000", origin: "http://127.0.0.1:9000" },
    { value: "http://localhost:9000", origin: "http://localhost:9000" },
    { value: "http://[::1]:9000", origin: "http://[::1]:9000" },
  ])("takes $value", ({ value, origin }) => {
    expect(readsOf({ B2_ENDPOINT: value }).bucket.endpoint).toBe(origin);
  });

  it.each([
    { what: "plain HTTP to another machine", value: "http://s3.us-east-005.backblazeb2.com" },
    { what: "plain HTTP to a name like loopback", value: "http://localhost.example.org" },
    { what: "plain HTTP to the LAN", value: "http://192.168.0.2:9000" },
    { what: "no scheme", value: "s3.us-east-005.backblazeb2.com" },
    { what: "another scheme", value: "s3://ai-dev-env" },
    { what: "a path", value: "https://s3.us-east-005.backblazeb2.com/ai-dev-env" },
    { what: "a query", value: "https://s3.us-east-005.backblazeb2.com?x=1" },
    { what: "a user", value: "https://key@s3.us-east-005.backblazeb2.com" },
  ])("refuses $what", ({ value }) => {
    const { reads } = parseSettings({ ...BUCKET, B2_ENDPOINT: value });
    expect(problemsOf(reads)).toEqual([expect.stringMatching(/^B2_ENDPOINT /)]);
  });
});

describe("B2_PREFIX", () => {
  it.each([
    { value: "nix/cache/", prefix: "nix/cache/" },
    { value: "nix/cache", prefix: "nix/cache/" },
    { value: "nix", prefix: "nix/" },
    { value: "a..b/c=d+e@f_g-h", prefix: "a..b/c=d+e@f_g-h/" },
    { value: "", prefix: "" },
  ])("takes '$value' for '$prefix'", ({ value, prefix }) => {
    expect(readsOf({ B2_PREFIX: value }).bucket.prefix).toBe(prefix);
  });

  it.each(["/", "/nix", "nix//cache", "nix/cache//", "..", "nix/../x", "nix/./x", "a b", "a%2fb"])(
    "refuses '%s'",
    (value) => {
      const { reads } = parseSettings({ ...BUCKET, B2_PREFIX: value });
      expect(problemsOf(reads)).toEqual([expect.stringMatching(/^B2_PREFIX is not a path/)]);
    },
  );
});

describe("what is broken on the writing side", () => {
  it.each<{ what: string; settings: Readonly<Record<string, string>> }>([
    { what: "TOKENS", settings: { TOKENS: "nargate_token" } },
    { what: "SIGNING_KEY", settings: { SIGNING_KEY: "key:x" } },
    { what: "TRUSTED_PUBLIC_KEYS", settings: { TRUSTED_PUBLIC_KEYS: "key:x" } },
    { what: "ON_CONFLICT", settings: { ON_CONFLICT: "maybe" } },
    { what: "PROVE", settings: { PROVE: "yes" } },
    { what: "TRUSTED_PUBLIC_KEY", settings: { TRUSTED_PUBLIC_KEY: PUBLIC_KEY_ONE } },
  ])("stops pushes but not a public cache's reads: $what", ({ what, settings }) => {
    const open = parseSettings({ ...BUCKET, ...settings });
    expect(open.reads.ok).toBe(true);
    expect(problemsOf(open.pushes)).toEqual([expect.stringMatching(new RegExp(`^${what} `))]);
  });

  it("stops a private cache's reads, if it is TOKENS: nobody has a valid one then", () => {
    const closed = parseSettings({ ...BUCKET, READ_ACCESS: "token", TOKENS: "[" });
    expect(problemsOf(closed.reads)).toEqual([expect.stringMatching(/^TOKENS /)]);
    expect(problemsOf(closed.pushes)).toEqual(["TOKENS is not JSON"]);
    expect(closed.tokens).toEqual([]);
  });

  it("does not stop a private cache's reads, if it is anything else", () => {
    const settings = { READ_ACCESS: "token", TOKENS, SIGNING_KEY: "key:x", B2_KEYID: "x" };
    const closed = parseSettings({ ...BUCKET, ...settings });
    expect(closed.reads.ok && closed.reads.value.isPrivate).toBe(true);
    expect(closed.pushes.ok).toBe(false);
    expect(closed.tokens).toMatchObject([{ name: "ci" }]);
  });

  it("stops a private cache's reads, if it is OIDC_TRUST and there are no TOKENS", () => {
    const closed = parseSettings({ ...BUCKET, READ_ACCESS: "token", OIDC_TRUST: "[" });
    expect(problemsOf(closed.reads)).toEqual(["OIDC_TRUST is not JSON"]);
    expect(problemsOf(closed.pushes)).toEqual(["OIDC_TRUST is not JSON"]);
    expect(closed.oidcTrust).toEqual([]);
  });

  it("stops pushes alone, if it is OIDC_TRUST and there are TOKENS", () => {
    const settings = { READ_ACCESS: "token", TOKENS, OIDC_TRUST: "[{}]" };
    const closed = parseSettings({ ...BUCKET, ...settings });
    expect(closed.reads.ok).toBe(true);
    expect(problemsOf(closed.pushes)).toEqual([
      "OIDC_TRUST entry 1 needs an issuer, which is an https URL without a query",
    ]);
  });

  it("leaves nobody a token of a list of which one entry is broken", () => {
    const [entry]: object[] = JSON.parse(TOKENS);
    const config = parseSettings({ ...BUCKET, TOKENS: JSON.stringify([entry, {}]) });
    expect(config.tokens).toEqual([]);
  });

  it("is not passed over where READ_ACCESS is misspelt", () => {
    const config = parseSettings({ ...BUCKET, READ_ACCESS: "tokens" });
    expect(problemsOf(config.reads)).toEqual(["READ_ACCESS is not one of public, token"]);
  });

  it("is the lack of tokens in a private cache", () => {
    const closed = parseSettings({ ...BUCKET, READ_ACCESS: "token" });
    expect(problemsOf(closed.reads)).toEqual([
      "TOKENS or OIDC_TRUST must be set, because READ_ACCESS is token",
    ]);
  });

  it("is a setting that there is not; a binding is none", () => {
    expect(problemsOf(parseSettings({ ...BUCKET, B2_KEYID: "x" }).pushes)).toEqual([
      "B2_KEYID is not a setting of this gateway",
    ]);
    expect(parseSettings({ ...BUCKET, ASSETS: { fetch() {} } }).pushes.ok).toBe(true);
  });
});

describe("the problems of parseSettings", () => {
  it("never show a value", () => {
    const values = fc.string({ minLength: 12, maxLength: 40 }).filter((v) => v.trim().length > 11);
    fc.assert(
      fc.property(fc.constantFrom(...SETTINGS, "B2_KEYID"), values, (setting, value) => {
        for (const text of [value, `${SECRET_KEY_ONE}${value}`, `[{"name":${value}}]`]) {
          const { reads, pushes } = parseSettings({ ...BUCKET, [setting]: text });
          const told = [...problemsOf(reads), ...problemsOf(pushes)].join("\n");
          expect(told).not.toContain(value.trim());
          expect(told).not.toContain(SECRET_KEY_ONE);
        }
      }),
    );
  });
});
