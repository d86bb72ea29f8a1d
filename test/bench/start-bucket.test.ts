import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bucketUrl, signRequest } from "../../bench/bucket/sign-request.ts";
import { startBucket, totalOf } from "../../bench/bucket/start-bucket.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "nargate-bench-test-"));
});
afterAll(async () => await rm(directory, { recursive: true }));

describe.skipIf(process.platform !== "linux")("startBucket", () => {
  it("serves zeros that were never written, and counts requests", async () => {
    const bucket = await startBucket(directory);
    await bucket.putZeros("nar/zeros.nar", 1_000_000);
    const url = bucketUrl(bucket.url, "nar/zeros.nar");
    const response = await fetch(url, { headers: await signRequest(url) });
    const body = new Uint8Array(await response.arrayBuffer());
    expect([
      response.status,
      body.byteLength,
      body.subarray(32).some((byte) => byte !== 0),
    ]).toEqual([200, 1_000_000, false]);
    expect(totalOf(await bucket.countRequests())).toBe(1);
    await bucket.forgetRequests();
    expect(totalOf(await bucket.countRequests())).toBe(0);
    await bucket.stop();
  });

  it("fails whoever waits for it, and each after, once it has been killed", async () => {
    const bucket = await startBucket(directory);
    bucket.child.kill("SIGSTOP");
    const waiting = bucket.countRequests();
    bucket.child.kill("SIGKILL");
    await expect(waiting).rejects.toThrow("the bucket's process has ended");
    await expect(bucket.forgetRequests()).rejects.toThrow("the bucket's process has ended");
  });
});
