/**
 * The in-memory cache worker in `bench/workerd`, which replaces Cloudflare's Cache API.
 * It runs in the same process as the measured worker. For a cache in another process,
 * workerd would send each stored response by its own HTTP client, 8 KiB at a time. That
 * would be half of the cost of storing, and Cloudflare's network has no such cost.
 */
export interface CacheService {
  readonly module: string;
  /** Whether the cache stores responses, or discards them so that every read is a miss. */
  readonly keeps: boolean;
}

/** A worker and its settings. */
export interface WorkerToServe {
  /** The worker's bundle: a file next to the configuration. */
  readonly module: string;
  readonly compatibilityDate: string;
  readonly bindings: Readonly<Record<string, string>>;
  readonly cache?: CacheService | undefined;
  /** The directory for the database of the catalog. Without it the worker has no catalog. */
  readonly catalogDirectory?: string | undefined;
  readonly port: number;
}

/**
 * Returns a configuration for `workerd serve`: one worker that listens on a port of
 * 127.0.0.1 and may fetch from 127.0.0.1. Nothing stands between the worker and its
 * socket.
 */
export function formatWorkerdConfig(worker: WorkerToServe): string {
  const { module, compatibilityDate, bindings, cache, catalogDirectory, port } = worker;
  const catalog = catalogDirectory === undefined ? "" : CATALOG;
  const services = [
    `(name = "worker", worker = (${formatWorker(module, compatibilityDate, bindings)}${catalog}, globalOutbound = "network"${cache === undefined ? "" : `, cacheApiOutbound = "cache"`}))`,
    `(name = "network", network = (allow = ["private", "local"]))`,
  ];
  if (cache !== undefined) services.push(formatCache(cache, compatibilityDate));
  if (catalogDirectory !== undefined) {
    services.push(`(name = "catalog", disk = (path = ${text(catalogDirectory)}, writable = true))`);
  }
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join(",\n    ")}
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (style = host), service = "worker")]
);
`;
}

const CATALOG = `, durableObjectNamespaces = [(className = "Catalog", uniqueKey = "catalog", enableSql = true)], durableObjectStorage = (localDisk = "catalog")`;

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

/** Formats a text literal of Cap'n Proto. For ASCII it has the same escapes as JSON. */
function text(value: string): string {
  return JSON.stringify(value);
}
