import { afterEach, describe, expect, it, vi } from "vitest";
import type { BucketLocation } from "../../../src/settings/bucket-settings.ts";
import { createBucketMeter } from "../../../src/worker/bucket/bucket.ts";
import {
  createS3Client,
  type S3Environment,
  type S3Request,
} from "../../../src/worker/bucket/s3-client.ts";
import { createS3Presigner } from "../../../src/worker/bucket/s3-presign.ts";
import { openS3ProbeFolder } from "../../../src/worker/bucket/s3-probe-folder.ts";
import { platformClock } from "../../../src/worker/clock.ts";
import { createMemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";

const CONFIG: BucketLocation = {
  endpoint: "https://s3.example.org",
  region: "eu-1",
  bucket: "cache",
  prefix: "",
  keyId: "id",
  applicationKey: "key",
};

const PUT = { name: "one", sizeBytes: 8_388_609, firstByte: 0 } as const;

/** A folder of a server whose answers `fetch` makes. */
function openFolder(fetch: S3Environment["fetch"]) {
  const environment = { ...platformClock, fetch, random: () => 0.5 };
  const send = createS3Client(CONFIG, environment);
  const meter = createBucketMeter();
  const access = {
    send: (request: S3Request) => send(request, meter),
    presign: createS3Presigner(CONFIG, platformClock.now),
  };
  const bucket = createMemoryBucket();
  return openS3ProbeFolder(CONFIG, "x-amz-content-sha256", { bucket, access }, environment);
}

describe("openS3ProbeFolder", () => {
  afterEach(() => vi.useRealTimers());

  it("ends with a server that reads nothing of a body", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const folder = openFolder(
      (_, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
        }),
    );
    const half = folder.putHalf(PUT);
    await vi.advanceTimersByTimeAsync(60_000);
    await expect(half).resolves.toBeUndefined();
  });

  it("keeps little of an answer that does not end (law 7)", async () => {
    let sent = 0;
    const folder = openFolder(async () => {
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += 65_536;
          if (sent > 32 * 1024 * 1024) controller.close();
          else controller.enqueue(new Uint8Array(65_536));
        },
      });
      return new Response(body, { status: 400 });
    });
    await expect(folder.put(PUT)).rejects.toThrow("too many bytes");
    expect(sent).toBeLessThan(8 * 1024 * 1024);
  });
});
