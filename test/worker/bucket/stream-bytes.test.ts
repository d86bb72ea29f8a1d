import { describe, expect, it } from "vitest";
import { createBucketMeter } from "../../../src/worker/bucket/bucket.ts";
import { createS3Client } from "../../../src/worker/bucket/s3-client.ts";
import { isSmall, streamBytes } from "../../../src/worker/bucket/stream-bytes.ts";

const MIB = 1024 * 1024;

function numbered(sizeBytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: sizeBytes }, (_, index) => index % 251);
}

async function bytesOf(body: unknown): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body as ReadableStream).arrayBuffer());
}

describe("streamBytes", () => {
  it.each([
    { what: "several pieces", sizeBytes: MIB },
    { what: "a last piece of one byte", sizeBytes: 512 * 1024 + 1 },
    { what: "one byte", sizeBytes: 1 },
  ])("gives all bytes in order: $what", async ({ sizeBytes }) => {
    const bytes = numbered(sizeBytes);
    expect(await bytesOf(streamBytes(bytes).body)).toEqual(bytes);
  });

  it("gives nothing of what the memory holds after stop", async () => {
    const bytes = numbered(2 * MIB);
    const { body, stop } = streamBytes(bytes);
    const reader = body.getReader({ mode: "byob" });
    await reader.readAtLeast(1024, new Uint8Array(1024));
    stop();
    bytes.fill(0xff);
    const seen: number[] = [];
    const rest = (async () => {
      for (;;) {
        const { value, done } = await reader.read(new Uint8Array(64 * 1024));
        if (done) return;
        seen.push(...value);
      }
    })();
    await expect(rest).rejects.toThrow("Network connection lost");
    expect(seen).not.toContain(0xff);
  });
});

describe("the body of a bucket request", () => {
  const location = {
    endpoint: "https://s3.us-east-005.backblazeb2.com",
    region: "us-east-005",
    bucket: "bucket",
    prefix: "",
    keyId: "key-id",
    applicationKey: "application-key",
  };
  const retries = { attempts: 3, budgetMilliseconds: 10_000, timeoutMilliseconds: 1000 };

  it("is streamed if it is large, and whole in every attempt", async () => {
    const bytes = numbered(MIB);
    const received: Uint8Array[] = [];
    const send = createS3Client(location, {
      async fetch(_, { body }) {
        expect(body).toBeInstanceOf(ReadableStream);
        received.push(await bytesOf(body));
        return new Response(null, { status: received.length < 3 ? 503 : 200 });
      },
      now: () => new Date(),
      sleep: async () => {},
      random: () => 0,
    });
    await send({ method: "PUT", key: "a", body: bytes, retries }, createBucketMeter());
    expect(received).toEqual([bytes, bytes, bytes]);
  });

  it("is read no more once the bucket has answered", async () => {
    const bytes = numbered(2 * MIB);
    let sent: unknown;
    const send = createS3Client(location, {
      async fetch(_, { body }) {
        sent = body;
        return new Response("<Error/>", { status: 403 });
      },
      now: () => new Date(),
      sleep: async () => {},
      random: () => 0,
    });
    await send({ method: "PUT", key: "a", body: bytes, retries }, createBucketMeter());
    await expect(bytesOf(sent)).rejects.toThrow("Network connection lost");
  });

  it("is an array if it is small, because a stream would cost more", () => {
    expect(isSmall(new Uint8Array(256 * 1024))).toBe(true);
    expect(isSmall(new Uint8Array(256 * 1024 + 1))).toBe(false);
  });
});
