import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { createCacheClient } from "../../../src/client/gateway/cache-client.ts";
import { createHttpClient } from "../../../src/client/gateway/http-client.ts";
import { createSemaphore } from "../../../src/client/push/push-limits.ts";
import { createSpool, createSpoolMemory } from "../../../src/client/push/spool.ts";
import { createUploadApi } from "../../../src/client/push/upload-api.ts";
import { uploadInParts } from "../../../src/client/push/upload-parts.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import {
  brokenLines,
  createFakeUploadServer,
  type FakeUploadServer,
  lines,
  refuse,
} from "../../../testkit/node/fake-upload-server.ts";

const PART = 1000;
const CONTENTS = randomBytes(9 * PART + 10);

async function upload(server: FakeUploadServer, now = () => new Date()) {
  const context = createTestContext({ fetch: server.fetch, now });
  const http = createHttpClient(context, { attempts: 3, idleMilliseconds: 10_000 });
  const client = createCacheClient(server.url, async () => "secret", http);
  const spool = createSpool({
    memory: createSpoolMemory(1e6),
    directory: tmpdir(),
    expectedBytes: CONTENTS.byteLength,
  });
  await spool.write(CONTENTS);
  const events: string[] = [];
  const file = {
    fileHash: { algorithm: "sha256", bytes: new Uint8Array(32) },
    sizeBytes: CONTENTS.byteLength,
    extension: ".zst",
  } as const;
  const uploads = { api: createUploadApi(client), http, partSlots: createSemaphore(3), context };
  const result = await uploadInParts(file, spool, uploads, {
    onStart: (bytes) => events.push(`start ${bytes}`),
    onSent: (bytes) => events.push(`sent ${bytes}`),
    onChecking: (bytes) => events.push(`checking ${bytes}`),
  });
  return { result, events };
}

const partsSent = ({ log }: FakeUploadServer) => log.filter((line) => line.startsWith("PUT"));

function createServer(
  ...rest: Parameters<typeof createFakeUploadServer> extends [unknown, unknown, ...infer R]
    ? R
    : never
) {
  return createFakeUploadServer(CONTENTS.byteLength, PART, ...rest);
}

describe("uploadInParts", () => {
  it("sends every part once, and asks for the URLs that it was not given at first", async () => {
    const server = createServer();
    const { result, events } = await upload(server);
    expect(result).toBe(CONTENTS.byteLength);
    expect(server.stored()).toEqual(CONTENTS);
    expect(partsSent(server).toSorted()).toHaveLength(10);
    expect(server.log.filter((line) => line === "POST uploads/urls")).toHaveLength(1);
    expect(events[0]).toBe("start 0");
    expect(events).toContain(`sent ${CONTENTS.byteLength}`);
    expect(events.at(-1)).toBe(`checking ${CONTENTS.byteLength}`);
  });

  it("sends nothing of a file that is stored", async () => {
    const server = createServer();
    await upload(server);
    server.log.length = 0;
    expect((await upload(server)).result).toBe(0);
    expect(server.log).toEqual(["POST uploads"]);
  });

  it("sends only the parts that an earlier try left missing", async () => {
    const server = createServer();
    for (const number of [1, 2, 4, 10]) {
      server.parts.set(number, CONTENTS.subarray((number - 1) * PART, number * PART));
    }
    const { result, events } = await upload(server);
    expect(result).toBe(6 * PART);
    expect(
      partsSent(server)
        .map((line) => Number(line.slice(9)))
        .toSorted(),
    ).toEqual([3, 5, 6, 7, 8, 9]);
    expect(events[0]).toBe(`start ${3 * PART + 10}`);
    expect(server.stored()).toEqual(CONTENTS);
  });

  it("sends a part again that the bucket has in another size", async () => {
    const server = createServer();
    server.parts.set(2, Buffer.alloc(7));
    await upload(server);
    expect(partsSent(server)).toHaveLength(10);
    expect(server.stored()).toEqual(CONTENTS);
  });

  it.each([
    { what: "a server error", status: 503 },
    { what: "an expired signature", status: 403 },
  ])("sends a part again after $what", async ({ status }) => {
    let isFirst = true;
    const server = createServer({
      part(number) {
        if (number !== 5 || !isFirst) return undefined;
        isFirst = false;
        return new Response(null, { status });
      },
    });
    await upload(server);
    expect(partsSent(server)).toHaveLength(11);
    expect(server.stored()).toEqual(CONTENTS);
  });

  it("asks for new URLs when those it has are about to expire", async () => {
    const server = createServer({}, () => new Date(1_000_000));
    await upload(server, () => new Date(990_000));
    expect(server.log[1]).toBe("POST uploads/urls");
    expect(server.stored()).toEqual(CONTENTS);
  });

  it("gives up on a part that is refused again and again, and says which", async () => {
    const server = createServer({
      part: (number) => (number === 2 ? new Response("no", { status: 403 }) : undefined),
    });
    await expect(upload(server)).rejects.toThrow(/^part 2: the bucket: 403 no$/);
  });

  it("starts again if the bucket has dropped the upload", async () => {
    let isFirst = true;
    const server: FakeUploadServer = createServer({
      part(number) {
        if (number !== 6 || !isFirst) return undefined;
        isFirst = false;
        server.forget();
        return new Response("NoSuchUpload", { status: 404 });
      },
    });
    await upload(server);
    expect(server.log.filter((line) => line === "POST uploads")).toHaveLength(2);
    expect(server.stored()).toEqual(CONTENTS);
  });

  it("does not start for ever", async () => {
    const server = createServer({ part: () => new Response("NoSuchUpload", { status: 404 }) });
    await expect(upload(server)).rejects.toThrow("the upload was lost 4 times");
    expect(server.log.filter((line) => line === "POST uploads")).toHaveLength(4);
  });

  it("ends the reason of the last loss with one full stop", async () => {
    const error = { code: "upload-changed", message: "The upload changed. Start it again." };
    const server = createServer({ complete: () => lines({ error }) });
    await expect(upload(server)).rejects.toThrow(
      "the upload was lost 4 times: The upload changed. Start it again. Push again;",
    );
  });

  it.each([
    { what: "ends before its last line", answer: () => lines({ status: "checking", bytes: 5 }) },
    { what: "breaks off", answer: () => brokenLines({ status: "checking", bytes: 5 }) },
    { what: "has not a single line", answer: () => lines() },
    {
      what: "tells of a bucket that is away",
      answer: () => lines({ error: { code: "bucket-unavailable", message: "later" } }),
    },
  ])("completes again when the answer $what", async ({ answer }) => {
    const server = createServer({ complete: (count) => (count <= 2 ? answer() : undefined) });
    await upload(server);
    expect(server.log.filter((line) => line === "POST uploads/complete")).toHaveLength(3);
    expect(partsSent(server)).toHaveLength(10);
    expect(server.stored()).toEqual(CONTENTS);
  });

  it("sends the missing parts when the gateway reports missing parts", async () => {
    const server: FakeUploadServer = createServer({
      complete(count) {
        if (count === 1) server.parts.delete(7);
        return undefined;
      },
    });
    await upload(server);
    expect(partsSent(server)).toHaveLength(11);
    expect(server.stored()).toEqual(CONTENTS);
  });

  it.each([
    { what: "upload-gone", answer: () => refuse(404, "upload-gone") },
    { what: "handle-invalid", answer: () => refuse(400, "handle-invalid") },
    {
      what: "upload-changed in the stream",
      answer: () => lines({ error: { code: "upload-changed", message: "again" } }),
    },
  ])("starts again on $what, and finds its parts", async ({ answer }) => {
    const server = createServer({ complete: (count) => (count === 1 ? answer() : undefined) });
    await upload(server);
    expect(server.log.filter((line) => line === "POST uploads")).toHaveLength(2);
    expect(partsSent(server)).toHaveLength(10);
    expect(server.stored()).toEqual(CONTENTS);
  });

  it("fails at once if the bytes do not hash to the name", async () => {
    const error = { code: "nar-hash-mismatch", message: "The bytes do not hash" };
    const server = createServer({ complete: () => lines({ status: "checking" }, { error }) });
    await expect(upload(server)).rejects.toThrow("The bytes do not hash");
    expect(server.log.filter((line) => line === "POST uploads/complete")).toHaveLength(1);
  });

  it("sends the whole file again if parts of an earlier run were damaged", async () => {
    const error = { code: "nar-hash-mismatch", message: "The bytes do not hash" };
    const server = createServer({
      complete(count) {
        if (count > 1) return undefined;
        server.forget();
        return lines({ error });
      },
    });
    server.parts.set(1, Buffer.alloc(PART));
    await upload(server);
    expect(partsSent(server)).toHaveLength(9 + 10);
    expect(server.stored()).toEqual(CONTENTS);
  });
});
