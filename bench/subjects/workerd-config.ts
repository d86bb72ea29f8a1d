/**
 * What Cloudflare's Cache API is replaced with: the in-memory cache worker in
 * `bench/workerd`, in the same process. Anywhere else workerd would send it what
 * is stored by its own HTTP client, 8 KiB at a time: half of what storing costs,
 * and nothing that Cloudflare's network has.
 */
export interface CacheService {
  readonly module: string;
  readonly keeps: boolean;
}

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
