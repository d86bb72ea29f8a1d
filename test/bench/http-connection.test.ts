import { createServer, type RequestListener } from "node:http";
import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { openConnection } from "../../bench/load/http-connection.ts";
import { loadRequests } from "../../bench/load/load-requests.ts";

let close: (() => void) | undefined;
afterEach(() => close?.());

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

describe("openConnection", () => {
  it("sends one request after the other over one connection, and counts what comes", async () => {
    const sockets = new Set<Socket>();
    const url = await serve((request, response) => {
      sockets.add(request.socket);
      let bytes = 0;
      request.on("data", (chunk: Buffer) => (bytes += chunk.byteLength));
      request.on("end", () => {
        response.writeHead(request.method === "PUT" ? 201 : 200, {
          "content-length": 3_000_000 + bytes,
        });
        response.end(Buffer.alloc(3_000_000 + bytes));
      });
    });
    const connection = await openConnection(url);
    expect(await connection.send({ path: "/a" })).toMatchObject({
      status: 200,
      bodyBytes: 3_000_000,
    });
    const put = { method: "PUT", path: "/a", body: new Uint8Array(5) };
    expect(await connection.send(put)).toMatchObject({ status: 201, bodyBytes: 3_000_005 });
    connection.close();
    expect(sockets.size).toBe(1);
  });

  it("fails the request under way, and each after it, once the server has gone", async () => {
    const url = await serve((request) => request.socket.destroy());
    const connection = await openConnection(url);
    await expect(connection.send({ path: "/a" })).rejects.toThrow("closed");
    await expect(connection.send({ path: "/b" })).rejects.toThrow("closed");
  });

  it("fails what is sent after close", async () => {
    const url = await serve((_, response) => response.end("x"));
    const connection = await openConnection(url);
    connection.close();
    await expect(connection.send({ path: "/a" })).rejects.toThrow("closed");
  });

  it("fails a request that nobody answers", async () => {
    const url = await serve(() => {});
    const connection = await openConnection(url, 50);
    await expect(connection.send({ path: "/a" })).rejects.toThrow("no answer came for 0.05 s");
  });

  it("fails an answer that it cannot read", async () => {
    const url = await serve((_, response) => {
      response.write("in chunks");
      response.end();
    });
    const connection = await openConnection(url);
    await expect(connection.send({ path: "/a" })).rejects.toThrow("without a length");
  });
});

describe("loadRequests", () => {
  const load = { requests: [{ path: "/a" }, { path: "/b" }], connections: 3, milliseconds: 50 };

  it("sends them in turn over all connections, and counts them", async () => {
    const counts: Record<string, number> = { "/a": 0, "/b": 0 };
    const sockets = new Set<Socket>();
    const url = await serve((request, response) => {
      counts[request.url ?? ""] = (counts[request.url ?? ""] ?? 0) + 1;
      sockets.add(request.socket);
      response.writeHead(404, { "content-length": 0 }).end();
    });
    const { count, seconds } = await loadRequests({ ...load, url, status: 404 });
    const { "/a": toA = 0, "/b": toB = 0 } = counts;
    expect(toA + toB).toBe(count);
    expect(Math.abs(toA - toB)).toBeLessThanOrEqual(1);
    expect(sockets.size).toBe(3);
    expect(seconds).toBeGreaterThanOrEqual(0.05);
  });

  it("throws for any other status", async () => {
    const url = await serve((_, response) =>
      response.writeHead(503, { "content-length": 0 }).end(),
    );
    const sent = loadRequests({ ...load, url, status: 200 });
    await expect(sent).rejects.toThrow("/a was answered 503, not 200");
  });
});
