import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openCanaryBucket } from "../../../tools/canary/canary-bucket.ts";
import { checkBucket } from "../../../tools/canary/check-bucket.ts";
import { countRemains } from "../../../tools/canary/count-remains.ts";
import { exitCodeOf, formatReportJson, type Report } from "../../../src/checks/report.ts";
import { formatReport } from "../../../src/checks/format-report.ts";
import type { FaultRule } from "../../../tools/b2-server/fault-injector.ts";
import {
  type CanaryBucketServer,
  LIFECYCLE,
  PREFIX,
  startCanaryBucket,
} from "../../../testkit/node/start-canary-bucket.ts";

// A whole run each, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const ENVIRONMENT = { signal: new AbortController().signal, sleep: async () => {} };

let bucket: CanaryBucketServer;

beforeAll(async () => {
  bucket = await startCanaryBucket();
  await bucket.store.writeLifecycle(LIFECYCLE);
});
afterAll(() => bucket.close());
beforeEach(() => bucket.server.faults.clear());

async function look(keyId = "owner", faults: readonly FaultRule[] = []): Promise<Report> {
  bucket.server.faults.add(...faults);
  return await checkBucket(bucket.configOf(keyId), ENVIRONMENT, [1, 65_537]);
}

/** Counts the versions in the folder of this run by the store itself. */
function countStored({ subject }: Report) {
  const folder = subject.replace(/^.* below /, "");
  const index = bucket.store.index;
  const versions = [...index.keysFrom(folder)]
    .filter((key) => key.startsWith(folder))
    .flatMap((key) => index.versionsOf(key));
  const objects = versions.filter((version) => version.kind !== "marker");
  return {
    versions: objects.length,
    bytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    deleteMarkers: versions.length - objects.length,
    uploads: 0,
  };
}

describe("countRemains, after a run of the checks", () => {
  it("counts hidden versions, their bytes and delete markers", async () => {
    const report = await look();
    expect(report.remains).toEqual(countStored(report));
    const { versions, bytes, deleteMarkers } = countStored(report);
    expect(versions).toBeGreaterThan(10);
    expect(formatReport(report).replaceAll("\n", " ")).toMatch(
      new RegExp(
        `The canary left ${versions} hidden versions with ${bytes} bytes, ${deleteMarkers} delete markers, 0 unfinished uploads below nix/cache/\\.canary/[0-9a-f]+/ until the lifecycle rules delete them\\.`,
      ),
    );
    expect(JSON.parse(formatReportJson(report)).remains).toEqual(report.remains);
  });

  it("counts across pages", async () => {
    const canary = openCanaryBucket(bucket.configOf("owner"), ENVIRONMENT);
    // The listing starts within the versions of one name.
    for (let index = 0; index < 1003; index++) {
      await bucket.store.putObject(canary.keyOf("a"), {}, chunk());
    }
    await bucket.store.hideObject(canary.keyOf("a"));
    expect(await countRemains(canary)).toEqual({
      versions: 1003,
      bytes: 1003,
      deleteMarkers: 1,
      uploads: 0,
    });
  });

  it("counts an upload that it could not abort, and no version that is visible", async () => {
    const report = await look("owner", [
      { match: { operation: "AbortMultipartUpload" }, effect: { status: 403 } },
      { match: { operation: "DeleteObject", keyPattern: "/first$" }, effect: { status: 403 } },
    ]);
    const uploads = bucket.store.uploads.list();
    expect(uploads.length).toBeGreaterThan(0);
    const stored = countStored(report);
    expect(report.remains).toMatchObject({
      uploads: uploads.length,
      versions: stored.versions - 1,
      deleteMarkers: stored.deleteMarkers,
    });
    expect(report.leftovers).toContainEqual(expect.stringMatching(/\/first$/));
    bucket.server.faults.clear();
    for (const upload of uploads) await bucket.store.abortUpload(upload);
    for (const key of bucket.view.keys().filter((name) => name.startsWith(".canary/"))) {
      await bucket.store.hideObject(PREFIX + key);
    }
    bucket.expectNothingLeft();
  });

  it.each<{ what: string; effect: FaultRule["effect"]; line: string }>([
    {
      what: "the key may not list versions",
      effect: { status: 403, code: "AccessDenied" },
      line: "this key may not list versions (403)",
    },
    {
      what: "the bucket knows no versions",
      effect: { status: 501, code: "NotImplemented" },
      line: "the list of versions answered 501 NotImplemented",
    },
  ])("says that $what", async ({ effect, line }) => {
    const report = await look("owner", [{ match: { operation: "ListObjectVersions" }, effect }]);
    expect(report.remains).toBe(line);
    expect(formatReport(report).replaceAll("\n", " ")).toContain(`${line}. A lifecycle rule`);
    expect(JSON.parse(formatReportJson(report)).remains).toBeNull();
    expect(exitCodeOf(report)).toBe(0);
    bucket.expectNothingLeft();
  });

  it("tries again when the list of versions fails once", async () => {
    const effect = { status: 503, code: "SlowDown" };
    const match = { operation: "ListObjectVersions" };
    const report = await look("owner", [{ match, count: 1, effect }]);
    expect(report.remains).toEqual(countStored(report));
  });
});

async function* chunk(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("x");
}
