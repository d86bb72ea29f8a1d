import { createHash, randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type DelayProxy, startDelayProxy } from "../../bench/bucket/delay-proxy.ts";

const opened: (DelayProxy | Server)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) {
    await (one instanceof Object && "port" in one
      ? one.close()
      : new Promise((resolve) => one.close(resolve)));
  }
});

/** Starts a server that answers with the SHA-256 of the body, or resets the connection for GET. */
async function startHashServer(): Promise<number> {
  const server = createServer(async (request, response) => {
    if (request.method === "GET") return void request.socket.resetAndDestroy();
    const hash = createHash("sha256");
    for await (const chunk of request) hash.update(chunk as Buffer);
    return void response.end(hash.digest("hex"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push(server);
  return (server.address() as AddressInfo).port;
}

async function openProxy(milliseconds: number): Promise<string> {
  const proxy = await startDelayProxy(await startHashServer(), milliseconds);
  opened.push(proxy);
  return `http://127.0.0.1:${proxy.port}`;
}

describe("startDelayProxy", () => {
  it("delays each request by a round trip", async () => {
    const url = await openProxy(60);
    const startedAt = performance.now();
    for (let request = 0; request < 3; request++) await fetch(url, { method: "POST" });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(3 * 58);
  });

  it("passes on every byte of bodies above its window", async () => {
    const body = randomBytes(30_000_000);
    const answer = await fetch(await openProxy(10), { method: "POST", body });
    expect(await answer.text()).toBe(createHash("sha256").update(body).digest("hex"));
  });

  it("passes on a reset", async () => {
    await expect(fetch(await openProxy(10))).rejects.toThrow("fetch failed");
  });
});
