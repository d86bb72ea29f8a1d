import { createServer, type Server } from "node:http";
import type { ApplicationKey } from "./application-key.ts";
import { FaultInjector } from "./fault-injector.ts";
import { handleRequest, type RequestDependencies } from "./handle-request.ts";
import { RequestLog } from "./request-log.ts";
import { createSigningKeys } from "./signature/check-signature.ts";
import { openObjectStore, type ObjectStore } from "./store/object-store.ts";

export interface B2ServerOptions {
  /** Where the buckets are kept; one server at a time. */
  readonly directory: string;
  readonly region: string;
  /** Opened at start; others on disk are not served. */
  readonly buckets: readonly string[];
  readonly keys: readonly ApplicationKey[];
  /** 0, the default, takes any free one. */
  readonly port?: number;
  readonly now?: () => Date;
  /** Whether an answer waits until the disk has the write; true by default. */
  readonly durable?: boolean;
  /** Told of what nobody expected; by default it goes to standard error. */
  readonly onError?: (error: unknown) => void;
}

export interface B2Server {
  /** As in `http://127.0.0.1:49152`. */
  readonly endpoint: string;
  readonly faults: FaultInjector;
  readonly requests: RequestLog;
  /** The objects, past signatures and faults. */
  readonly store: ObjectStore;
  /** Cuts connections, waits for writes under way and lets go of the directory. */
  close(): Promise<void>;
}

// workerd keeps connections for longer than Node's five seconds, and a request
// sent on one that is just closing is lost.
const KEEP_ALIVE_MS = 10 * 60 * 1000;

/**
 * Serves B2's S3 API, as far as Nargate uses it, from a directory, on
 * loopback alone. Throws if the directory or the port is taken.
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
    // An upload may take longer than the five minutes that Node would grant.
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
      else reject(new Error("the server has no port"));
    });
  });
}

function reportError(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`b2-server: ${text}\n`);
}
