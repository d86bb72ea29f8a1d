import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { createCacheClient } from "../../../src/client/gateway/cache-client.ts";
import { createHttpClient } from "../../../src/client/gateway/http-client.ts";
import { createSemaphore } from "../../../src/client/push/push-limits.ts";
import { createSpool, createSpoolMemory } from "../../../src/client/push/spool.ts";
import { createUploadApi } from "../../../src/client/push/upload-api.ts";
import { createSigning, uploadSigned } from "../../../src/client/push/upload-signed.ts";
import { lines, refuse } from "../../../testkit/node/fake-upload-server.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

const CACHE = "https://cache.example";
const BUCKET = "https://bucket.example/.incoming/1";
const CONTENTS = randomBytes(200_000);

/** Answers by the request, `POST uploads/signed` or `PUT`, the nth of its kind. */
type Answers = Readonly<Record<string, (count: number) => Response>>;

const STORED = lines({ status: "copying" }, { status: "stored" });

function open(more: object = {}): Response {
  return Response.json({
    status: "open",
    handle: "h",
    handleExpires: new Date(Date.now() + 1e6).toISOString(),
    url: BUCKET,
    headers: {
      authorization: "AWS4-HMAC-SHA256 x",
      "x-amz-date": "20261128T000000Z",
      "content-length": String(CONTENTS.byteLength),
    },
    ...more,
  });
}

async function upload(answers: Answers, partSlots = createSemaphore(3), putSeconds = 0) {
  const counts: Record<string, number> = {};
  const log: string[] = [];
  const sent: { headers: Headers; body: Buffer }[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const isBucket = request.url === BUCKET;
    const name = isBucket ? "PUT" : `POST ${new URL(request.url).pathname.slice(8)}`;
    log.push(name);
    const body = Buffer.from(await request.arrayBuffer());
    if (isBucket) sent.push({ headers: request.headers, body });
    if (isBucket) milliseconds += putSeconds * 1000;
    const count = (counts[name] = (counts[name] ?? 0) + 1);
    const answer = answers[name]?.(count);
    if (answer === undefined) throw new Error("connection refused");
    return answer.clone();
  };
  let milliseconds = Date.now();
  const context = createTestContext({ fetch, now: () => new Date(milliseconds) });
  const http = createHttpClient(context, { attempts: 3, idleMilliseconds: 10_000 });
  const client = createCacheClient(CACHE, async () => "secret", http);
  const spool = createSpool({
    memory: createSpoolMemory(1e6),
    directory: tmpdir(),
    expectedBytes: CONTENTS.byteLength,
  });
  await spool.write(CONTENTS);
  const file = {
    fileHash: { algorithm: "sha256", bytes: new Uint8Array(32) },
    sizeBytes: CONTENTS.byteLength,
    extension: ".zst",
  } as const;
  const events: string[] = [];
  const uploads = { api: createUploadApi(client), http, partSlots, context };
  const result = await uploadSigned(file, spool, uploads, {
    onStart: (bytes) => events.push(`start ${bytes}`),
    onSent: (bytes) => events.push(`sent ${bytes}`),
    onChecking: (bytes) => events.push(`checking ${bytes}`),
  }).catch((error: unknown) => error);
  return { result, log, sent, events };
}

describe("uploadSigned", () => {
  it("sends the file once, with the signed headers and without the token", async () => {
    const { result, log, sent, events } = await upload({
      "POST uploads/signed": () => open(),
      PUT: () => new Response(null),
      "POST uploads/complete": () => STORED,
    });
    expect(result).toBe(CONTENTS.byteLength);
    expect(log).toEqual(["POST uploads/signed", "PUT", "POST uploads/complete"]);
    expect(sent[0]?.body).toEqual(CONTENTS);
    expect(sent[0]?.headers.get("authorization")).toBe("AWS4-HMAC-SHA256 x");
    expect([...(sent[0]?.headers.keys() ?? [])].join()).not.toContain("cookie");
    expect(events[0]).toBe("start 0");
    expect(events).toContain(`sent ${CONTENTS.byteLength}`);
  });

  it("sends no header that a cache adds of its own", async () => {
    const { sent } = await upload({
      "POST uploads/signed": () =>
        open({
          headers: {
            cookie: "a",
            host: "other.example",
            authorization: "Basic YWRtaW46YWRtaW4=",
            "x-amz-date": "1\r\nx: y",
          },
        }),
      PUT: () => new Response(null),
      "POST uploads/complete": () => STORED,
    });
    expect(sent[0]?.headers.get("cookie")).toBeNull();
    expect(sent[0]?.headers.get("authorization")).toBeNull();
    expect(sent[0]?.headers.get("x-amz-date")).toBeNull();
  });

  it.each(["http://bucket.example/1", "file:///etc/passwd", "", "https://"])(
    "sends nothing to %j",
    async (url) => {
      const { result, log } = await upload({ "POST uploads/signed": () => open({ url }) });
      expect(String(result)).toContain("not https");
      expect(log).toEqual(["POST uploads/signed"]);
    },
  );

  it("sends nothing of a file that is stored", async () => {
    const answers = { "POST uploads/signed": () => Response.json({ status: "stored" }) };
    expect(await upload(answers)).toMatchObject({ result: 0, log: ["POST uploads/signed"] });
  });

  it("only completes what an earlier run sent", async () => {
    const { result, log } = await upload({
      "POST uploads/signed": () =>
        Response.json({ status: "sent", handle: "h", handleExpires: new Date().toISOString() }),
      "POST uploads/complete": () => STORED,
    });
    expect(result).toBe(0);
    expect(log).toEqual(["POST uploads/signed", "POST uploads/complete"]);
  });

  it("asks for a new signature if the bucket refuses an old one", async () => {
    const answers: Answers = {
      "POST uploads/signed": () => open(),
      PUT: (count) => new Response(null, { status: count === 1 ? 403 : 200 }),
      "POST uploads/complete": () => STORED,
    };
    const { result, log } = await upload(answers, createSemaphore(3), 1000);
    expect(result).toBe(2 * CONTENTS.byteLength);
    expect(log.filter((line) => line === "POST uploads/signed")).toHaveLength(2);
  });

  it("asks for a signature when its turn has come, so that it does not expire before", async () => {
    const slots = createSemaphore(1);
    const { promise, resolve: free } = Promise.withResolvers<void>();
    const busy = slots.run(() => promise);
    let asked = 0;
    const answers: Answers = {
      "POST uploads/signed": () => {
        asked++;
        return open();
      },
      PUT: () => new Response(null),
      "POST uploads/complete": () => STORED,
    };
    const uploading = upload(answers, slots);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toBe(0);
    free();
    await busy;
    expect((await uploading).result).toBe(CONTENTS.byteLength);
  });

  it("starts again if the object is gone", async () => {
    const { result } = await upload({
      "POST uploads/signed": () => open(),
      PUT: () => new Response(null),
      "POST uploads/complete": (count) => (count === 1 ? refuse(404, "upload-gone") : STORED),
    });
    expect(result).toBe(2 * CONTENTS.byteLength);
  });

  it.each<{ what: string; answers: Answers; puts: number }>([
    {
      what: "the bucket refuses the bytes",
      answers: { PUT: () => new Response("<Code>BadDigest</Code>", { status: 400 }) },
      puts: 1,
    },
    {
      what: "the bucket refuses a new signature",
      answers: { PUT: () => new Response(null, { status: 403 }) },
      puts: 1,
    },
    {
      what: "the bucket fails",
      answers: { PUT: () => new Response(null, { status: 503 }) },
      puts: 2,
    },
    { what: "the bucket cannot be reached", answers: {}, puts: 2 },
    {
      what: "the bucket proves nothing any more",
      answers: { "POST uploads/signed": () => refuse(409, "payload-unchecked") },
      puts: 0,
    },
    {
      what: "an older gateway answers",
      answers: { "POST uploads/signed": () => refuse(404, "no-such-endpoint") },
      puts: 0,
    },
  ])("leaves the file to the other way where $what", async ({ answers, puts }) => {
    const { result, log } = await upload({ "POST uploads/signed": () => open(), ...answers });
    expect(result).toBe("other-way");
    expect(log.filter((line) => line === "PUT")).toHaveLength(puts);
  });

  it("passes on what the gateway refuses", async () => {
    const { result } = await upload({
      "POST uploads/signed": () => open(),
      PUT: () => new Response(null),
      "POST uploads/complete": () => refuse(500, "misconfigured"),
    });
    expect(String(result)).toContain("misconfigured");
  });
});

describe("createSigning", () => {
  it("leaves the NARs to the other way if the gateway cannot answer", async () => {
    const signing = createSigning({
      hasProvingBucket: () => Promise.reject(new Error("503")),
    });
    expect(await signing.isPossible()).toBe(false);
  });

  it("asks once, and gives up after three failures", async () => {
    let asked = 0;
    const signing = createSigning({
      async hasProvingBucket() {
        asked++;
        return true;
      },
    });
    expect(await Promise.all([signing.isPossible(), signing.isPossible()])).toEqual([true, true]);
    expect(asked).toBe(1);
    signing.failed();
    signing.failed();
    expect(await signing.isPossible()).toBe(true);
    signing.failed();
    expect(await signing.isPossible()).toBe(false);
  });
});
