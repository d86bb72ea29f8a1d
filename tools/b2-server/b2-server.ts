import { createServer, type Server } from "node:http";
import type { ApplicationKey } from "./application-key.ts";
import { FaultInjector } from "./fault-injector.ts";
import { handleRequest, type RequestDependencies } from "./handle-request.ts";
import { RequestLog } from "./request-log.ts";
import { createSigningKeys } from "./signature/check-signature.ts";
import { openObjectStore, type ObjectStore } from "./store/object-store.ts";

/** The settings of `startB2Server`. */
export interface B2ServerOptions {
  /** The directory that holds the buckets. Only one server may use it at a time. */
  readonly directory: string;
  readonly region: string;
  /** Names of the buckets to serve. Other buckets in the directory are not served. */
  readonly buckets: readonly string[];
  readonly keys: readonly ApplicationKey[];
  /** The TCP port. 0, the default, picks any free port. */
  readonly port?: number;
  readonly now?: () => Date;
  /** Whether an answer waits until the write is safe on the disk. True by default. */
  readonly durable?: boolean;
  /** Receives every unexpected error. The default prints it to standard error. */
  readonly onError?: (error: unknown) => void;
}

/** A running server that behaves like B2. */
export interface B2Server {
  /** The server's URL, as in `http://127.0.0.1:49152`. */
  readonly endpoint: string;
  readonly faults: FaultInjector;
  readonly requests: RequestLog;
  /** Direct access to the objects, without signatures and faults. */
  readonly store: ObjectStore;
  /** Closes all connections, waits for writes in progress and unlocks the directory. */
  close(): Promise<void>;
}

// Node closes an idle connection after five seconds by default. workerd keeps
// connections longer, and a request that it sends while Node closes the
// connection is lost.
const KEEP_ALIVE_MS = 10 * 60 * 1000;

/**
 * Starts a server for the part of B2's S3 API that Nargate uses. It stores
 * objects in a directory and listens on 127.0.0.1 only. Throws if the directory
 * or the port is already in use.
 */
export async function startB2Server(options: B2ServerOptions): Promise<B2Server> {
  const { directory, region, buckets, durable = true, now = () => new Date() } = options;
  const onError = options.onError ?? reportError;
  const store = await openObjectStore({ directory, buckets, durable, now });
  const dependencies: RequestDependencies = {
    region,
    keys: new Map(options.keys.map((key) => [key.keyId, key])),
    deriveSigningKey: createSigningKeys(),
    store,
    faults: new FaultInjector(),
    requests: new RequestLog(),
    now,
    onError,
  };
  const underWay = new Set<Promise<void>>();
  const server = createServer(
    // Node ends a request after five minutes by default; an upload may take longer.
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0, noDelay: true },
    (request, response) => {
      const handled = handleRequest(dependencies, request, response)
        .catch(onError)
        .finally(() => underWay.delete(handled));
      underWay.add(handled);
    },
  );
  try {
    const port = await listen(server, options.port ?? 0);
    return {
      endpoint: `http://127.0.0.1:${port}`,
      faults: dependencies.faults,
      requests: dependencies.requests,
      store,
      async close() {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await closed;
        await Promise.all(underWay);
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
      else reject(new Error("the b2-server has no port after it started to listen"));
    });
  });
}

function reportError(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`b2-server: ${text}\n`);
}
