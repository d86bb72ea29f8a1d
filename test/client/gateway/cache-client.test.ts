import type { IncomingMessage } from "node:http";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { CacheRefusal, createCacheClient } from "../../../src/client/gateway/cache-client.ts";
import { bytesBody, createHttpClient } from "../../../src/client/gateway/http-client.ts";
import { parseStorePathHash } from "../../../src/nix/store-path.ts";
import { valueOf } from "../../../testkit/value-of.ts";
import { answerJson, type Handler, readBody, serve } from "../../../testkit/node/serve.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

const HASH = valueOf(parseStorePathHash("0123456789abcdfghijklmnpqrsvwxyz"));

async function openClient(
  handler: Handler,
  token: () => Promise<string | undefined> = async () => "t",
) {
  const http = createHttpClient(createTestContext({ fetch }), {
    attempts: 1,
    idleMilliseconds: 5_000,
  });
  return createCacheClient(await serve(handler), token, http);
}

describe("CacheClient", () => {
  it("shows the token as it is at each request, and names itself", async () => {
    const seen: IncomingMessage["headers"][] = [];
    let count = 0;
    const client = await openClient(
      (request, response) => {
        seen.push(request.headers);
        response.end();
      },
      async () => (++count === 3 ? undefined : `token-${count}`),
    );
    for (let turn = 0; turn < 3; turn++)
      await client.send({ method: "GET", target: "nix-cache-info" });
    expect(seen.map(({ authorization }) => authorization)).toEqual([
      "Bearer token-1",
      "Bearer token-2",
      undefined,
    ]);
    expect(seen[0]?.["user-agent"]).toBe("nargate");
  });

  it("calls the API with JSON and a length", async () => {
    let seen: unknown;
    const client = await openClient(async (request, response) => {
      const { "content-type": type, "content-length": length } = request.headers;
      seen = {
        type,
        length,
        method: request.method,
        url: request.url,
        body: String(await readBody(request)),
      };
      answerJson(response, { status: "stored" });
    });
    expect(await client.call("POST", "api/v1/uploads", { size: 1 })).toEqual({ status: "stored" });
    expect(seen).toEqual({
      type: "application/json",
      length: "10",
      method: "POST",
      url: "/api/v1/uploads",
      body: '{"size":1}',
    });
  });

  it("takes 204 for an answer without a value", async () => {
    const client = await openClient((_, response) => void response.writeHead(204).end());
    expect(await client.call("POST", "api/v1/uploads/abort", {})).toBeUndefined();
  });

  it("sends a body and relays the answer, whatever its status", async () => {
    const client = await openClient(async (request, response) => {
      response.writeHead(418).end(await readBody(request));
    });
    const body = bytesBody(Buffer.from("bytes"));
    const answer = await client.send({ method: "PUT", target: "nar/x", body });
    expect([answer.status, answer.body.toString()]).toEqual([418, "bytes"]);
  });

  it.each([
    {
      what: "the API's own",
      answer: [
        409,
        "application/json",
        '{"error":{"code":"upload-incomplete","message":"Parts are missing: 3."}}',
      ],
      message: "api/v1/x: 409 Parts are missing: 3.",
      code: "upload-incomplete",
    },
    {
      what: "plain text, of which the first line is for people",
      answer: [503, "text/plain", "The bucket is not available.\nmore\n"],
      message: "api/v1/x: 503 The bucket is not available.",
      code: undefined,
    },
    {
      what: "nothing",
      answer: [404, "text/plain", ""],
      message: "api/v1/x: 404 no reason given",
      code: undefined,
    },
    {
      what: "a page of a proxy",
      answer: [502, "text/html", "<html>Bad Gateway"],
      message: "api/v1/x: 502 no reason given",
      code: undefined,
    },
    {
      what: "a bot challenge",
      answer: [403, "text/html; charset=UTF-8", "<html>Just a moment"],
      message:
        "api/v1/x: 403, a bot challenge of Cloudflare: the request did not reach the cache. Run nargate doctor to see the remedy",
      code: undefined,
    },
    {
      what: "what would move the cursor of a terminal",
      answer: [
        400,
        "application/json",
        '{"error":{"code":"bad-path","message":"a\\u001b[2Jb\\nc"}}',
      ],
      message: "api/v1/x: 400 a [2Jb c",
      code: "bad-path",
    },
  ] as const)(
    "tells a refusal in one line: $what",
    async ({ answer: [status, type, text], message, code }) => {
      const client = await openClient((_, response) => {
        response.writeHead(status, { "content-type": type }).end(text);
      });
      const error: unknown = await client
        .call("GET", "api/v1/x")
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CacheRefusal);
      expect(error).toMatchObject({ status, code, message });
    },
  );

  it.each([
    { what: "a page", text: "<html>hello" },
    { what: "cut JSON", text: '{"version":' },
  ])("says of $what that it is not JSON, and to check the URL", async ({ text }) => {
    const client = await openClient((_, response) => void response.end(text));
    await expect(client.call("GET", "api/v1/cache")).rejects.toThrow(
      "api/v1/cache: the answer is not JSON. Check that the URL is the URL of a Nargate cache",
    );
  });

  it("hands over lines of JSON", async () => {
    const client = await openClient((_, response) => void response.end('{"a":1}\n{"b":2}\n'));
    const lines: unknown[] = [];
    await client.callForLines("api/v1/x", {}, (line) => lines.push(line));
    expect(lines).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it("throws a refusal before the first line if the status is not 200", async () => {
    const client = await openClient((_, response) =>
      answerJson(response, { error: { code: "upload-gone", message: "Start again." } }, 404),
    );
    await expect(client.callForLines("api/v1/x", {}, () => {})).rejects.toMatchObject({
      code: "upload-gone",
    });
  });

  it("reads a narinfo, and returns undefined for a missing one", async () => {
    const text = `StorePath: /nix/store/${HASH}-thing\nURL: nar/x.nar\nNarHash: sha256:${"0".repeat(52)}\nNarSize: 5\n`;
    let status = 200;
    const client = await openClient((_, response) => void response.writeHead(status).end(text));
    const found = await client.readNarinfo(HASH, "/nix/store");
    expect(found).toMatchObject({ narSize: 5, compression: "bzip2" });
    status = 404;
    expect(await client.readNarinfo(HASH, "/nix/store")).toBeUndefined();
    status = 401;
    await expect(client.readNarinfo(HASH, "/nix/store")).rejects.toThrow(CacheRefusal);
  });

  it.each([
    { what: "zstd", pack: zstdCompressSync, encoding: "zstd" },
    { what: "gzip", pack: gzipSync, encoding: "gzip" },
    { what: "br", pack: brotliCompressSync, encoding: "br" },
  ])("reads a narinfo that is stored in $what", async ({ pack, encoding }) => {
    const text = `StorePath: /nix/store/${HASH}-thing\nURL: nar/x.nar\nNarHash: sha256:${"0".repeat(52)}\nNarSize: 5\n`;
    const client = await openClient((_, response) => {
      response.writeHead(200, { "content-encoding": encoding }).end(pack(Buffer.from(text)));
    });
    expect(await client.readNarinfo(HASH, "/nix/store")).toMatchObject({ narSize: 5 });
  });

  it.each([
    { what: "xz", body: Buffer.from("\u{fd}7zXZ\0 and so on", "latin1") },
    { what: "bzip2", body: Buffer.from("BZh91AY&SY") },
    { what: "a zstd that is cut", body: zstdCompressSync(Buffer.alloc(1000)).subarray(0, 12) },
    {
      what: "a zstd that unpacks to 64 MiB",
      body: zstdCompressSync(Buffer.alloc(64 * 1024 * 1024)),
    },
  ])("says that only Nix can read one in $what", async ({ body }) => {
    const client = await openClient((_, response) => void response.end(body));
    expect(await client.readNarinfo(HASH, "/nix/store")).toBe("unreadable");
  });

  it("asks for the bucket's own answer where the caller wants it fresh", async () => {
    const seen: (string | undefined)[] = [];
    const client = await openClient((request, response) => {
      seen.push(request.headers["cache-control"]);
      response.writeHead(404).end();
    });
    await client.readNarinfo(HASH, "/nix/store", true);
    await client.readNarinfo(HASH, "/nix/store");
    expect(seen[0]).toBe("no-cache");
    expect(seen[1]).not.toBe("no-cache");
  });

  it("says that the cache has a malformed narinfo", async () => {
    const client = await openClient((_, response) => void response.end("StorePath: x\n"));
    await expect(client.readNarinfo(HASH, "/nix/store")).rejects.toThrow(
      `the cache has a malformed ${HASH}.narinfo`,
    );
  });
});
