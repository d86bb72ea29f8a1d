import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { runCanary } from "../../../testkit/node/run-canary.ts";
import {
  type CanaryBucketServer,
  SECRET,
  startCanaryBucket,
} from "../../../testkit/node/start-canary-bucket.ts";

// A whole run each, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

let bucket: CanaryBucketServer;

beforeAll(async () => {
  bucket = await startCanaryBucket();
});
afterAll(() => bucket.close());
beforeEach(() => {
  bucket.server.faults.clear();
  bucket.view.forgetRequests();
});

function settings(): Record<"B2_BUCKET" | "B2_APPLICATION_KEY", string> & Record<string, string> {
  const { endpoint, region, bucket: name, prefix, keyId } = bucket.configOf("owner");
  return {
    B2_ENDPOINT: endpoint,
    B2_REGION: region,
    B2_BUCKET: name,
    B2_PREFIX: prefix,
    B2_KEY_ID: keyId,
    B2_APPLICATION_KEY: SECRET,
  };
}

describe("npm run canary", () => {
  it("names each missing setting and no value", async () => {
    const { B2_BUCKET, B2_APPLICATION_KEY } = settings();
    const result = await runCanary([], { B2_BUCKET, B2_APPLICATION_KEY });
    expect(result.code).toBe(2);
    expect(result.stdout).toBe("");
    expect(result.stderr).toBe(
      "Cannot check the bucket. Correct these settings:\n  B2_ENDPOINT is not set\n  B2_REGION is not set\n  B2_KEY_ID is not set\n  B2_PREFIX is not set (give it empty if the cache is the whole bucket)\n",
    );
  });

  it.each([
    {
      what: "a malformed setting",
      args: [],
      env: { B2_PREFIX: "../x" },
      says: "B2_PREFIX is not a path",
    },
    { what: "an empty setting", args: [], env: { B2_KEY_ID: "" }, says: "B2_KEY_ID is not set" },
    { what: "an unknown flag", args: ["--verbose"], env: {}, says: "--verbose" },
    {
      what: "a path without a URL",
      args: ["--path", "x"],
      env: {},
      says: "--path needs --url",
    },
    {
      what: "a URL that is none",
      args: ["--url", "cache"],
      env: {},
      says: "cache is not an http or https URL",
    },
    { what: "an empty URL", args: ["--url", ""], env: {}, says: "--url is empty" },
    {
      what: "a URL without a scheme",
      args: ["--url", "127.0.0.1:8787"],
      env: {},
      says: "127.0.0.1:8787 has no scheme. Did you mean http://127.0.0.1:8787?",
    },
    {
      what: "a path that is none",
      args: ["--url", "http://127.0.0.1:9", "--path", "/nix/store/hello"],
      env: {},
      says: "--path: store path hash",
    },
  ])("ends with 2 on $what", async ({ args, env, says }) => {
    const result = await runCanary(args, { ...settings(), ...env });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(says);
    expect(result.stderr + result.stdout).not.toContain(SECRET);
  });

  it("starts a bucket of its own where none is named, and prints a line a fact", async () => {
    const result = await runCanary([], {});
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(
      /^ok +PUT cut off before its Content-Length\n +nothing stored, old object kept$/m,
    );
    expect(result.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(result.stdout).toMatch(/^18 ok, 0 FAIL, 11 unknown\.$/m);
  });

  it("prints JSON, and nowhere the key", async () => {
    bucket.server.faults.add({ effect: { ignoreRange: true } });
    const result = await runCanary(["--json"], settings());
    expect(result.code).toBe(1);
    const report: { checks: unknown[] } = JSON.parse(result.stdout);
    expect(report.checks).toContainEqual({
      check: "GET with Range: bytes=3-6",
      expected: '206, bytes 3-6/26, "defg"',
      knownFrom: "HTTP",
      says: "200, no Content-Range, the whole object",
      verdict: "FAIL",
    });
    expect(report).toMatchObject({ leftovers: [], interrupted: false });
    expect(result.stdout).not.toContain(SECRET);
  });

  it("cleans up on Ctrl-C", async () => {
    bucket.server.faults.setLatency(30);
    const result = await runCanary([], settings(), async (stop) => {
      while (bucket.view.requests().length < 40) await new Promise((done) => setTimeout(done, 20));
      stop("SIGINT");
    });
    bucket.server.faults.clear();
    expect(result.code).toBe(130);
    expect(result.stdout).toContain("Interrupted");
    bucket.expectNothingLeft();
  });
});
