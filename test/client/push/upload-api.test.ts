import { describe, expect, it } from "vitest";
import { createCacheClient } from "../../../src/client/gateway/cache-client.ts";
import { createHttpClient } from "../../../src/client/gateway/http-client.ts";
import { createUploadApi } from "../../../src/client/push/upload-api.ts";
import { parseHash } from "../../../src/nix/hash.ts";
import { answerJson, serve } from "../../../testkit/node/serve.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const FILE = {
  fileHash: valueOf(parseHash(`sha256:${"0".repeat(52)}`)),
  sizeBytes: 20_000_000,
  extension: ".xz",
};
const OPEN = {
  status: "open",
  handle: "handle",
  handleExpires: "2026-11-28T00:00:00Z",
  size: FILE.sizeBytes,
  partSize: 16_777_216,
  parts: [],
  urls: [{ number: 1, url: "https://bucket.example.org/part" }],
  urlsExpire: "2026-11-28T00:00:00Z",
};

/** Starts an upload at a cache that answers this. */
async function start(answer: object) {
  const http = createHttpClient(createTestContext({ fetch }), {
    attempts: 1,
    idleMilliseconds: 5_000,
  });
  const url = await serve((_, response) => answerJson(response, answer));
  return await createUploadApi(createCacheClient(url, async () => undefined, http)).start(FILE);
}

describe("an upload in parts", () => {
  it("goes by the plan of the cache", async () => {
    expect(await start(OPEN)).toMatchObject({ handle: "handle", partSizeBytes: 16_777_216 });
  });

  it.each([
    {
      what: "20 million parts of one byte",
      change: { partSize: 1 },
      says: "S3 allows 10000 parts",
    },
    {
      what: "a part in the clear",
      change: { urls: [{ number: 7, url: "http://bucket.example.org/part" }] },
      says: "part 7 that is not https",
    },
    { what: "a part at no URL", change: { urls: [{ number: 7, url: "x" }] }, says: "not https" },
    { what: "parts without a size", change: { partSize: 0 }, says: "partSize is" },
  ])("is not begun for $what", async ({ change, says }) => {
    await expect(start({ ...OPEN, ...change })).rejects.toThrow(says);
  });

  it("may go to a bucket on this machine in the clear", async () => {
    const urls = [{ number: 1, url: "http://127.0.0.1:9000/part" }];
    expect(await start({ ...OPEN, urls })).toMatchObject({ handle: "handle" });
  });
});
