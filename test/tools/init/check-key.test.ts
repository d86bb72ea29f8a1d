import { describe, expect, it } from "vitest";
import { err, ok } from "../../../src/result.ts";
import { isB2Endpoint, readB2KeyFacts } from "../../../tools/init/b2-key-facts.ts";
import { checkKey } from "../../../tools/init/check-key.ts";

const BUCKET = {
  endpoint: "https://s3.us-west-004.backblazeb2.com",
  region: "us-west-004",
  bucket: "team",
  prefix: "nix/cache/",
  keyId: "004abc",
  applicationKey: "K004secret",
};

const GOOD = {
  capabilities: ["listFiles", "readFiles", "writeFiles"],
  bucket: "team",
  namePrefix: "nix/cache/",
  endpoint: BUCKET.endpoint,
};

const verdictsOf = (facts: Parameters<typeof checkKey>[0]) =>
  checkKey(facts, BUCKET).map(({ verdict }) => verdict);

describe("checkKey", () => {
  it.each([
    { what: "the key that docs/bucket.md asks for", facts: GOOD, verdicts: ["ok", "ok", "ok"] },
    {
      what: "a key that also reads settings",
      facts: { ...GOOD, capabilities: [...GOOD.capabilities, "readBuckets", "listBuckets"] },
      verdicts: ["ok", "ok", "ok"],
    },
    {
      what: "a key that may delete",
      facts: { ...GOOD, capabilities: [...GOOD.capabilities, "deleteFiles"] },
      verdicts: ["warn", "ok", "ok"],
    },
    {
      what: "a key that may not list",
      facts: { ...GOOD, capabilities: ["readFiles", "writeFiles"] },
      verdicts: ["FAIL", "ok", "ok"],
    },
    {
      what: "a key for every bucket and name",
      facts: { ...GOOD, bucket: undefined, namePrefix: "" },
      verdicts: ["ok", "warn", "warn"],
    },
    {
      what: "a key for another bucket and prefix",
      facts: { ...GOOD, bucket: "other", namePrefix: "nix/other/" },
      verdicts: ["ok", "FAIL", "FAIL"],
    },
  ])("judges $what", ({ facts, verdicts }) => {
    expect(verdictsOf(ok(facts))).toEqual(verdicts);
  });

  it("says what it could not check, at B2 and elsewhere", () => {
    expect(verdictsOf(err("B2 answered 503"))).toEqual(["unknown"]);
    expect(checkKey(undefined, BUCKET)[0]?.says).toContain("only B2 tells the rights of a key");
  });
});

describe("readB2KeyFacts", () => {
  // The answer of b2_authorize_account, version 3, as Backblaze documents it.
  const ANSWER = {
    accountId: "abc",
    apiInfo: {
      storageApi: {
        absoluteMinimumPartSize: 5_000_000,
        apiUrl: "https://api004.backblazeb2.com",
        bucketId: null,
        bucketName: "team",
        capabilities: ["listFiles", "readFiles", "writeFiles"],
        infoType: "storageApi",
        namePrefix: null,
        s3ApiUrl: "https://s3.us-west-004.backblazeb2.com",
      },
    },
    authorizationToken: "secret",
  };

  it("sends the key to B2 alone, and returns what B2 says of it", async () => {
    const sent: [string, RequestInit | undefined][] = [];
    const facts = await readB2KeyFacts("id", "key", async (url, init) => {
      sent.push([String(url), init]);
      return Response.json(ANSWER);
    });
    expect(facts).toEqual(ok({ ...GOOD, namePrefix: "" }));
    const [[url, init] = ["", undefined]] = sent;
    expect(url).toBe("https://api.backblazeb2.com/b2api/v3/b2_authorize_account");
    expect(init?.redirect).toBe("error");
    expect(new Headers(init?.headers).get("authorization")).toBe(`Basic ${btoa("id:key")}`);
  });

  it.each([
    {
      what: "an unknown key",
      answer: async () => new Response("{}", { status: 401 }),
      error: "does not know",
    },
    {
      what: "a fault",
      answer: async () => new Response("", { status: 503 }),
      error: "answered 503",
    },
    {
      what: "another JSON",
      answer: async () => Response.json({ apiInfo: 1 }),
      error: "unknown answer",
    },
    { what: "no JSON", answer: async () => new Response("<html>"), error: "cannot be asked" },
    {
      what: "no network",
      answer: async () => {
        throw new TypeError("fetch failed");
      },
      error: "fetch failed",
    },
  ])("gives no facts after $what", async ({ answer, error }) => {
    const facts = await readB2KeyFacts("id", "key", answer as typeof fetch);
    expect(facts).toEqual({ ok: false, error: expect.stringContaining(error) });
  });
});

describe("isB2Endpoint", () => {
  it.each([
    ["https://s3.us-west-004.backblazeb2.com", true],
    ["https://s3.us-west-004.backblazeb2.com.evil.org", false],
    ["http://s3.us-west-004.backblazeb2.com", false],
    ["https://ceph.example.org", false],
  ])("%s: %s", (endpoint, is) => {
    expect(isB2Endpoint(endpoint)).toBe(is);
  });
});
