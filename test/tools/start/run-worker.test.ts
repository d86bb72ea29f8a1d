import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { runWorker, type RunningWorker } from "../../../tools/start/run-worker.ts";
import { findFreePort } from "../../../testkit/node/find-free-port.ts";

const asked: IncomingHttpHeaders[] = [];
const bucket = createServer((request, response) => {
  asked.push(request.headers);
  response.writeHead(404, { "content-type": "application/xml" });
  response.end("<Error><Code>NoSuchKey</Code></Error>");
});
let worker: RunningWorker | undefined;

afterEach(async () => {
  await worker?.close();
  bucket.closeAllConnections();
  bucket.close();
});

it("sends requests to the bucket without a worker of Miniflare in between", async () => {
  await new Promise<void>((resolve) => void bucket.listen(0, "127.0.0.1", resolve));
  worker = await runWorker(
    {
      B2_ENDPOINT: `http://127.0.0.1:${(bucket.address() as AddressInfo).port}`,
      B2_REGION: "local",
      B2_BUCKET: "bucket",
      B2_PREFIX: "nix/cache/",
      B2_KEY_ID: "key",
      B2_APPLICATION_KEY: "secret",
      EDGE: "off",
      LOG: "faults",
    },
    await findFreePort(),
  );
  const { status } = await fetch(`${worker.url}/${"1".repeat(32)}.narinfo`);
  expect(status).toBe(404);
  expect(asked).toHaveLength(1);
  // Miniflare's worker adds this header.
  expect(asked[0]).not.toHaveProperty("cf-worker");
}, 30_000);
