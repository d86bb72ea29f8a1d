import type { IncomingMessage } from "node:http";
import { describe, expect, it, vi } from "vitest";
import {
  bytesBody,
  createHttpClient,
  type HttpClient,
  Unreachable,
} from "../../../src/client/gateway/http-client.ts";
import type { ProcessContext } from "../../../src/client/process-context.ts";
import { findFreePort } from "../../../testkit/node/local-gateway.ts";
import { readBody, serve } from "../../../testkit/node/serve.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

interface Paused {
  readonly client: HttpClient;
  /** The pauses between attempts, in milliseconds. */
  readonly pauses: number[];
}

function createClient(
  overrides: Partial<ProcessContext> = {},
  retries = { attempts: 4, idleMilliseconds: 5_000 },
): Paused {
  const pauses: number[] = [];
  const sleep = async (milliseconds: number) => void pauses.push(milliseconds);
  return {
    client: createHttpClient(createTestContext({ fetch, sleep, ...overrides }), retries),
    pauses,
  };
}

describe("HttpClient.send", () => {
  it.each([408, 429, 500, 502, 503, 504])("asks again after %i", async (status) => {
    let count = 0;
    const url = await serve((_, response) => {
      response.writeHead(++count < 3 ? status : 200).end("done");
    });
    const { client } = createClient();
    expect(await client.send({ method: "GET", url })).toMatchObject({ status: 200 });
    expect(count).toBe(3);
  });

  it.each([400, 401, 403, 404, 409, 413, 501])("takes %i for final", async (status) => {
    let count = 0;
    const url = await serve((_, response) => {
      count++;
      response.writeHead(status).end("no");
    });
    const { client, pauses } = createClient();
    const answer = await client.send({ method: "GET", url });
    expect(answer.status).toBe(status);
    expect(answer.body.toString()).toBe("no");
    expect([count, pauses]).toEqual([1, []]);
  });

  it("gives the last answer when all attempts are used up", async () => {
    let count = 0;
    const url = await serve((_, response) => {
      count++;
      response.writeHead(503).end("still not");
    });
    const { client } = createClient();
    const answer = await client.send({ method: "GET", url });
    expect([answer.status, answer.body.toString(), count]).toEqual([503, "still not", 4]);
  });

  it("waits at least for Retry-After, and never for hours", async () => {
    let count = 0;
    const url = await serve((_, response) => {
      count++;
      response.writeHead(503, { "retry-after": count === 1 ? "7" : "86400" }).end();
    });
    const { client, pauses } = createClient();
    await client.send({ method: "GET", url });
    expect(pauses).toEqual([7_000, 60_000, 60_000]);
  });

  it("sends a body whole, with its length, and again from its start", async () => {
    const seen: { length: string | undefined; chunked: string | undefined; body: string }[] = [];
    const bytes = Buffer.alloc(200_000, "0123456789");
    const url = await serve(async (request: IncomingMessage, response) => {
      const { "content-length": length, "transfer-encoding": chunked } = request.headers;
      seen.push({ length, chunked, body: (await readBody(request)).toString() });
      response.writeHead(seen.length === 1 ? 500 : 200).end();
    });
    const { client } = createClient();
    const sent: number[] = [];
    const answer = await client.send({
      method: "PUT",
      url,
      body: bytesBody(bytes),
      onSent: (count) => sent.push(count),
    });
    expect(answer.status).toBe(200);
    const whole = { length: "200000", chunked: undefined, body: bytes.toString() };
    expect(seen).toEqual([whole, whole]);
    // The second attempt begins at 0 again.
    expect(sent.filter((count) => count === 0)).toHaveLength(2);
    expect(sent.at(-1)).toBe(200_000);
  });

  it("follows no redirect", async () => {
    const asked: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url);
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    const { client } = createClient();
    const answer = await client.send({ method: "GET", url: `${url}/here` });
    expect([answer.status, asked]).toEqual([302, ["/here"]]);
  });

  it("ends an attempt after some time without data, and says so", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": "10" }).write("12345");
    });
    const { client } = createClient({}, { attempts: 2, idleMilliseconds: 100 });
    await expect(client.send({ method: "GET", url })).rejects.toThrow("no data for 0.1 s");
  });

  it("waits for what moves, however slow it is as a whole", async () => {
    const url = await serve((_, response) => {
      let left = 8;
      const timer = setInterval(() => {
        if (left-- > 0) response.write("x");
        else {
          clearInterval(timer);
          response.end();
        }
      }, 60);
    });
    const { client } = createClient({}, { attempts: 1, idleMilliseconds: 250 });
    const answer = await client.send({ method: "GET", url });
    expect(answer.body.toString()).toBe("xxxxxxxx");
  });

  it.each([
    { what: "an answer", lines: false },
    { what: "a line", lines: true },
  ])("stops to read $what that does not end, and does not ask again", async ({ lines }) => {
    let requests = 0;
    let isStopped = false;
    const url = await serve((_, response) => {
      requests++;
      response.once("close", () => (isStopped = true));
      const chunk = "x".repeat(1024 * 1024);
      const write = () => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once("drain", write);
      };
      write();
    });
    const { client } = createClient({}, { attempts: 3, idleMilliseconds: 5_000 });
    const request = { method: "GET", url: `${url}/thing` } as const;
    const answer = lines ? client.sendForLines(request, () => {}) : client.send(request);
    await expect(answer).rejects.toThrow("answered with more than 16 MB to /thing");
    expect(requests).toBe(1);
    await vi.waitUntil(() => isStopped);
  });

  it("names the host that does not answer, and the reason", async () => {
    const port = await findFreePort();
    const { client, pauses } = createClient();
    const sending = client.send({ method: "GET", url: `http://127.0.0.1:${port}/secret-part` });
    await expect(sending).rejects.toThrow(Unreachable);
    await expect(sending).rejects.toThrow(
      `cannot reach 127.0.0.1:${port}: fetch failed: ECONNREFUSED`,
    );
    expect(pauses).toHaveLength(3);
  });

  it("ends with the abort, and does not try again", async () => {
    let count = 0;
    const controller = new AbortController();
    const url = await serve(() => {
      count++;
      controller.abort(new Error("interrupted"));
    });
    const { client } = createClient({ signal: controller.signal });
    await expect(client.send({ method: "GET", url })).rejects.toThrow("interrupted");
    expect(count).toBe(1);
  });
});

describe("HttpClient.sendForLines", () => {
  it("hands over lines that are split across chunks, also within a character", async () => {
    const bytes = Buffer.from('{"a":"ü"}\n\n{"b":2}\n');
    const cut = bytes.indexOf(0xbc);
    const url = await serve((_, response) => {
      response.write(bytes.subarray(0, cut));
      setTimeout(() => response.end(bytes.subarray(cut)), 50);
    });
    const lines: string[] = [];
    await createClient().client.sendForLines({ method: "POST", url }, (line) => lines.push(line));
    expect(lines).toEqual(['{"a":"ü"}', '{"b":2}']);
  });

  it("hands a line over before the answer ends", async () => {
    const hasFirst = Promise.withResolvers<void>();
    const url = await serve(async (_, response) => {
      response.write("first\n");
      await hasFirst.promise;
      response.end("second\n");
    });
    const lines: string[] = [];
    await createClient().client.sendForLines({ method: "POST", url }, (line) => {
      lines.push(line);
      hasFirst.resolve();
    });
    expect(lines).toEqual(["first", "second"]);
  });

  it("asks again while no line has come", async () => {
    let count = 0;
    const url = await serve((_, response) => {
      if (++count === 1) response.destroy();
      else response.end("line\n");
    });
    const lines: string[] = [];
    await createClient().client.sendForLines({ method: "POST", url }, (line) => lines.push(line));
    expect([lines, count]).toEqual([["line"], 2]);
  });

  it("leaves a connection that breaks after a line to its caller", async () => {
    let count = 0;
    const url = await serve((_, response) => {
      count++;
      response.write("line\n");
      setTimeout(() => response.destroy(), 50);
    });
    const lines: string[] = [];
    const sending = createClient().client.sendForLines({ method: "POST", url }, (line) =>
      lines.push(line),
    );
    await expect(sending).rejects.toThrow(Unreachable);
    expect([lines, count]).toEqual([["line"], 1]);
  });

  it("gives the body of a refusal in one piece", async () => {
    const url = await serve((_, response) => {
      response.writeHead(409).end("one\ntwo\n");
    });
    const lines: string[] = [];
    const answer = await createClient().client.sendForLines({ method: "POST", url }, (line) =>
      lines.push(line),
    );
    expect([answer.body.toString(), lines]).toEqual(["one\ntwo\n", []]);
  });
});
