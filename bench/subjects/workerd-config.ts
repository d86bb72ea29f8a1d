/** What Cloudflare's Cache API is replaced with: the in-memory cache worker in `bench/workers`. */
export type CacheService =
  /** In the same process. */
  | { readonly module: string; readonly keeps: boolean }
  /** In a process of its own, so that what it keeps is not counted as the worker's memory. */
  | { readonly port: number };

export interface WorkerToServe {
  /** A file beside the configuration. */
  readonly module: string;
  readonly compatibilityDate: string;
  readonly bindings: Readonly<Record<string, string>>;
  readonly cache?: CacheService | undefined;
  readonly port: number;
}

/**
 * A configuration for `workerd serve`: one worker on a port of loopback, free to
 * fetch from loopback, without anything between it and the socket.
 */
export function formatWorkerdConfig(worker: WorkerToServe): string {
  const { module, compatibilityDate, bindings, cache, port } = worker;
  const services = [
    `(name = "worker", worker = (${formatWorker(module, compatibilityDate, bindings)}, globalOutbound = "network"${cache === undefined ? "" : `, cacheApiOutbound = "cache"`}))`,
    `(name = "network", network = (allow = ["private", "local"]))`,
  ];
  if (cache !== undefined) services.push(formatCache(cache, compatibilityDate));
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join(",\n    ")}
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (style = host), service = "worker")]
);
`;
}

function formatCache(cache: CacheService, compatibilityDate: string): string {
  if ("port" in cache) {
    return `(name = "cache", external = (address = "127.0.0.1:${cache.port}", http = (style = proxy)))`;
  }
  const bindings = { KEEPS: String(cache.keeps) };
  return `(name = "cache", worker = (${formatWorker(cache.module, compatibilityDate, bindings)}))`;
}

function formatWorker(
  module: string,
  compatibilityDate: string,
  bindings: Readonly<Record<string, string>>,
): string {
  const list = Object.entries(bindings).map(
    ([name, value]) => `(name = ${text(name)}, text = ${text(value)})`,
  );
  return `modules = [(name = "index.js", esModule = embed ${text(module)})], compatibilityDate = ${text(compatibilityDate)}, bindings = [${list.join(", ")}]`;
}

/** Cap'n Proto's text literals escape as JSON's do, as far as ASCII goes. */
function text(value: string): string {
  return JSON.stringify(value);
}
