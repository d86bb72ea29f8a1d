import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { checkBucket } from "../../../tools/canary/check-bucket.ts";
import { startEmbeddedBucket } from "../../../tools/canary/embedded-bucket.ts";
import { exitCodeOf, type Report } from "../../../src/checks/report.ts";
import { formatReport } from "../../../src/checks/format-report.ts";
import type { FaultRule } from "../../../tools/b2-server/fault-injector.ts";
import { startSloppyProxy } from "../../../testkit/node/sloppy-proxy.ts";
import {
  type CanaryBucketServer,
  LIFECYCLE,
  PREFIX,
  startCanaryBucket,
} from "../../../testkit/node/start-canary-bucket.ts";

// A whole run each, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

/** Where neither B2's documents nor anyone's trials say what is to be expected. */
const UNKNOWN = [
  "PUT with the SHA-256 of other bytes",
  "PUT with the Content-MD5 of other bytes",
  "PUT without Content-Length (chunked)",
  "PUT with If-None-Match: * over an object",
  "an upload of one part",
  "completion with a wrong entity tag",
  "the list of an upload's parts",
  "PUT whose signature covers the SHA-256 of its body",
];

/** The server here notices at once that a client is gone. */
const ENVIRONMENT = {
  signal: new AbortController().signal,
  sleep: (milliseconds: number) => sleep(milliseconds / 10),
};

let bucket: CanaryBucketServer;

beforeAll(async () => {
  bucket = await startCanaryBucket();
});
afterAll(() => bucket.close());
beforeEach(async () => {
  bucket.server.faults.clear();
  bucket.view.forgetRequests();
  await bucket.store.writeLifecycle(LIFECYCLE);
});

async function look(keyId = "owner", faults: readonly FaultRule[] = []): Promise<Report> {
  bucket.server.faults.add(...faults);
  return await checkBucket(bucket.configOf(keyId), ENVIRONMENT, [1, 65_537]);
}

function factsThat({ findings }: Report, verdict: string): readonly string[] {
  return findings.filter((row) => row.verdict === verdict).map(({ check }) => check);
}

describe("checkBucket", () => {
  it("finds all that is known in the b2-server, and leaves nothing behind", async () => {
    const report = await look();
    expect(factsThat(report, "FAIL")).toEqual([]);
    expect(factsThat(report, "unknown")).toEqual(UNKNOWN);
    expect(factsThat(report, "ok")).toHaveLength(21);
    expect(report.leftovers ?? []).toEqual([]);
    expect(exitCodeOf(report)).toBe(0);
    bucket.expectNothingLeft();
  });

  it("says what it saw where nothing is expected", async () => {
    const { findings } = await look();
    const seen = Object.fromEntries(findings.map((row) => [row.check, row]));
    expect(seen[UNKNOWN[0] ?? ""]).toEqual({
      check: UNKNOWN[0],
      expected: undefined,
      says: "refused (400 XAmzContentSHA256Mismatch), nothing stored",
      verdict: "unknown",
      remedy: undefined,
    });
  });

  it("names no key outside one folder below the prefix", async () => {
    await look();
    const keys = bucket.view.requests().map(({ key }) => key);
    expect(keys.length).toBeGreaterThan(60);
    const folders = new Set(keys.map((key) => key.split("/").slice(0, 4).join("/")));
    folders.delete("");
    expect([...folders]).toEqual([expect.stringMatching(/^nix\/cache\/\.canary\/[0-9a-f]{16}$/)]);
  });

  it("stores no object under the name of a folder, which some servers cannot have", async () => {
    await look();
    const puts = bucket.view.requests().filter(({ method }) => method === "PUT");
    const keys = puts.map(({ key }) => key);
    expect(keys.filter((key) => keys.some((other) => other.startsWith(`${key}/`)))).toEqual([]);
  });

  it.each<{ what: string; facts: readonly string[]; fault: FaultRule }>([
    {
      what: "a range answered with the whole",
      facts: ["GET with Range: bytes=3-6", "GET with a Range past the end"],
      fault: { effect: { ignoreRange: true } },
    },
    {
      what: "a refused copy",
      facts: [
        "copy, x-amz-copy-source-if-match with a wrong entity tag",
        "copy, x-amz-copy-source-if-match with the right entity tag",
        "copy, x-amz-metadata-directive: REPLACE",
      ],
      fault: { match: { operation: "CopyObject" }, effect: { status: 501 } },
    },
    {
      what: "a missing key that is denied",
      facts: ["GET of an absent key"],
      fault: {
        match: { method: "GET", keyPattern: "/absent$" },
        effect: { status: 403, code: "AccessDenied" },
      },
    },
    {
      what: "a missing key that another server's page answers",
      facts: ["GET of an absent key"],
      fault: {
        match: { method: "GET", keyPattern: "/absent$" },
        effect: { status: 404, html: true },
      },
    },
    {
      what: "a refused presigned PUT",
      facts: ["PUT of a part by a presigned URL"],
      fault: {
        match: { operation: "UploadPart", keyPattern: "/presigned$" },
        effect: { status: 403, code: "AccessDenied" },
      },
    },
  ])("reports $what as different", async ({ facts, fault }) => {
    const report = await look("owner", [fault]);
    expect(factsThat(report, "FAIL")).toEqual(facts);
    expect(exitCodeOf(report)).toBe(1);
    bucket.server.faults.clear();
    bucket.expectNothingLeft();
  });

  it("takes 412 for a conditional PUT, as AWS answers, for no failure", async () => {
    const report = await look("owner", [
      {
        match: { operation: "PutObject", keyPattern: "/conditional$" },
        skip: 1,
        effect: { status: 412, code: "PreconditionFailed" },
      },
    ]);
    expect(exitCodeOf(report)).toBe(0);
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        check: "PUT with If-None-Match: * over an object",
        verdict: "unknown",
        says: "412 PreconditionFailed, old object kept",
      }),
    );
  });

  it("tries again what B2 fails at times", async () => {
    const effect = { status: 500, code: "InternalError" };
    const report = await look("owner", [
      { match: { method: "PUT" }, skip: 10, count: 2, effect },
      {
        match: { operation: "CreateMultipartUpload" },
        count: 1,
        effect: { ...effect, afterCommit: true },
      },
    ]);
    expect(factsThat(report, "FAIL")).toEqual([]);
    expect(factsThat(report, "unknown")).toEqual(UNKNOWN);
    bucket.expectNothingLeft();
  });

  it("reports a server that stores what was cut off", async () => {
    const proxy = await startSloppyProxy(bucket.server.endpoint, bucket.store);
    const config = { ...bucket.configOf("owner"), endpoint: proxy.endpoint };
    const report = await checkBucket(config, ENVIRONMENT, [1, 65_537]);
    await proxy.close();
    expect(factsThat(report, "FAIL")).toEqual(["PUT cut off before its Content-Length"]);
    expect(formatReport(report)).toContain("14 bytes stored, old object replaced");
    bucket.expectNothingLeft();
  });

  it("tells a key without listFiles by what it answers, and still cleans up", async () => {
    const report = await look("unlisted");
    expect(factsThat(report, "FAIL")).toEqual([
      "GET of a deleted object",
      "GET of an absent key",
      "HEAD of an absent key",
      "the list of open uploads below a prefix",
    ]);
    expect(factsThat(report, "unknown")).toContain("a listing by prefix");
    expect(formatReport(report)).toContain(
      "→ Check that the application key has the capability listFiles.",
    );
    bucket.expectNothingLeft();
  });

  it("fails where nothing can be written", async () => {
    await expect(look("reader")).rejects.toThrow(
      /^Cannot write below nix\/cache\/\.canary\/[0-9a-f]+\/ of the bucket ai-dev-env: PUT answered 403 AccessDenied$/,
    );
  });

  it("speaks of no object that may be left behind if the bucket refuses the key", async () => {
    await expect(
      look("owner", [{ effect: { status: 403, code: "InvalidAccessKeyId" } }]),
    ).rejects.toThrow(/: PUT answered 403 InvalidAccessKeyId$/);
  });

  it("names the region if the bucket has another one", async () => {
    const config = { ...bucket.configOf("owner"), region: "us-west-004" };
    await expect(checkBucket(config, ENVIRONMENT, [1, 65_537])).rejects.toThrow(
      /: PUT answered 400 AuthorizationHeaderMalformed: us-west-004 may be the wrong region, check B2_REGION$/,
    );
  });

  it("names what it could not delete", async () => {
    const fault = { match: { operation: "DeleteObject" }, effect: { status: 403 } };
    const report = await look("owner", [fault]);
    expect(report.leftovers?.length).toBeGreaterThan(5);
    for (const key of report.leftovers ?? [])
      expect(key).toMatch(/^nix\/cache\/\.canary\/[0-9a-f]+\//);
    expect(formatReport(report)).toContain("COULD NOT DELETE");
    expect(exitCodeOf(report)).toBe(1);
    bucket.server.faults.clear();
    for (const key of bucket.view.keys().filter((name) => name.startsWith(".canary/"))) {
      await bucket.store.hideObject(PREFIX + key);
    }
    bucket.expectNothingLeft();
  });
});

describe("checkBucket on lifecycle rules", () => {
  const FACTS = [
    "lifecycle rule that deletes replaced and hidden versions",
    "lifecycle rule that drops parts of unfinished uploads",
    "lifecycle rule that hides objects of the cache by age",
  ];

  it.each([
    {
      what: "rules of another prefix",
      rules: LIFECYCLE.replace("nix/cache/", "other/"),
      differ: FACTS.slice(0, 2),
    },
    {
      what: "disabled rules",
      rules: LIFECYCLE.replace("Enabled", "Disabled"),
      differ: FACTS.slice(0, 2),
    },
    {
      what: "a rule that hides part of the cache",
      rules: LIFECYCLE.replace(
        "</Rule>",
        "</Rule><Rule><Filter><Prefix>nix/cache/nar/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>90</Days></Expiration></Rule>",
      ),
      differ: FACTS.slice(2),
    },
    { what: "rules of the whole bucket", rules: LIFECYCLE.replace("nix/cache/", ""), differ: [] },
  ])("judges $what", async ({ rules, differ }) => {
    await bucket.store.writeLifecycle(rules);
    expect(factsThat(await look(), "FAIL")).toEqual(differ);
  });

  it("takes no listing for a bucket without rules, as OpenStack Swift answers", async () => {
    await bucket.store.writeLifecycle(
      '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name></ListBucketResult>',
    );
    const report = await look();
    expect(factsThat(report, "unknown")).toEqual([...UNKNOWN, ...FACTS]);
    expect(exitCodeOf(report)).toBe(0);
  });

  it("says how to look by hand where the key may not read them", async () => {
    const embedded = await startEmbeddedBucket();
    const report = await checkBucket(embedded.config, ENVIRONMENT, [1, 65_537]);
    await embedded.close();
    expect(factsThat(report, "unknown")).toEqual([...UNKNOWN, ...FACTS]);
    expect(formatReport(report)).toContain("b2 bucket get nargate");
  });
});
