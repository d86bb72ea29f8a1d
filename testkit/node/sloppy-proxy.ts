import { createServer, request } from "node:http";
import type { BucketStore } from "../../tools/b2-server/store/bucket-store.ts";

/** Stands before an S3 server and stores what arrived of a PUT whose client went away, as VersityGW does. */
export async function startSloppyProxy(
  endpoint: string,
  store: BucketStore,
): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
    } catch {
      const [, , ...key] = (incoming.url ?? "").split("/");
      await store.putObject(key.join("/"), {}, chunksOf(chunks));
      return;
    }
    // A connection of its own, with the Host header that was signed.
    const { method, headers, url } = incoming;
    const forwarded = request(`${endpoint}${url}`, { method, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.end(Buffer.concat(chunks));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
