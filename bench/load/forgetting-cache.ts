import { createServer } from "node:http";

export interface ForgettingCache {
  readonly port: number;
  close(): Promise<void>;
}

// workerd names no host to a cache, and keeps its connections.
const options = { requireHostHeader: false, keepAliveTimeout: 600_000 };

/**
 * A cache for `cacheApiOutbound` that has nothing and takes everything: what it
 * is given is read and dropped. For NARs, so that each is a miss, with the
 * gateway's whole work of filling the edge, and next to none of the edge's own.
 */
export async function startForgettingCache(): Promise<ForgettingCache> {
  const server = createServer(options, (request, response) => {
    request.resume();
    request.once("end", () => {
      const isMiss = request.method === "GET";
      const headers = isMiss ? { "cf-cache-status": "MISS" } : {};
      response.writeHead(isMiss ? 504 : request.method === "PURGE" ? 404 : 204, headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the cache has no port");
  return {
    port: address.port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
