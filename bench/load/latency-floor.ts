import { createServer, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface LatencyFloor {
  readonly url: string;
  /** What clients have asked, nix-cache-info excepted. */
  countRequests(): number;
  forgetRequests(): void;
  /** As a bucket is that was just made. */
  forgetObjects(): void;
  setLatency(milliseconds: number): void;
  close(): Promise<void>;
}

/**
 * The least that any cache can be which keeps everything in a far bucket: every
 * request is answered at once, after one round trip to that bucket, and nothing
 * is checked. What a client needs with it, it needs with every such cache.
 */
export async function startLatencyFloor(): Promise<LatencyFloor> {
  let latencyMilliseconds = 0;
  const objects = new Map<string, Buffer>();
  let requests = 0;

  async function serve(request: IncomingMessage): Promise<{ status: number; body?: Buffer }> {
    const { method, url = "/" } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    // A gateway knows this one by itself.
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
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
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
