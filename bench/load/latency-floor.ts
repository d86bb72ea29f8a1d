import { createServer, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** A server that waits one round trip for each request (see `startLatencyFloor`). */
export interface LatencyFloor {
  readonly url: string;
  /** Returns the number of requests, without those for nix-cache-info. */
  countRequests(): number;
  forgetRequests(): void;
  /** Removes all objects, as in a new bucket. */
  forgetObjects(): void;
  setLatency(milliseconds: number): void;
  close(): Promise<void>;
}

/**
 * Starts the fastest possible cache that stores everything in a far bucket. It
 * answers every request after one round trip to that bucket, and checks nothing. No
 * cache with a far bucket can be faster for the client.
 */
export async function startLatencyFloor(): Promise<LatencyFloor> {
  let latencyMilliseconds = 0;
  const objects = new Map<string, Buffer>();
  let requests = 0;

  async function serve(request: IncomingMessage): Promise<{ status: number; body?: Buffer }> {
    const { method, url = "/" } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    // A gateway answers nix-cache-info without its bucket.
    if (url !== "/nix-cache-info") {
      requests++;
      await sleep(latencyMilliseconds);
    }
    if (method === "PUT") {
      objects.set(url, Buffer.concat(chunks));
      return { status: 200 };
    }
    const body = objects.get(url);
    return body === undefined ? { status: 404 } : { status: 200, body };
  }

  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    void serve(request).then(
      ({ status, body = Buffer.alloc(0) }) =>
        response
          .writeHead(status, { "content-length": body.byteLength })
          .end(request.method === "HEAD" ? undefined : body),
      () => request.socket.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null)
    throw new Error("the latency floor has no port after it started to listen");
  return {
    url: `http://127.0.0.1:${address.port}`,
    countRequests: () => requests,
    forgetRequests() {
      requests = 0;
    },
    forgetObjects: () => objects.clear(),
    setLatency(milliseconds) {
      latencyMilliseconds = milliseconds;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
