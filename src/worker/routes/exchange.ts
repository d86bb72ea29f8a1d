import type { Context } from "hono";
import type { ObjectKey } from "../../nix/object-key.ts";
import { formatProblems } from "../../settings/setting-reader.ts";
import type { Identity } from "../access/authenticate.ts";
import { type Bucket, type BucketMeter, createBucketMeter } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import type { CatalogNamespace } from "../catalog/catalog.ts";
import type { CacheReads, CacheScope } from "../caches/cache-scope.ts";
import type { CachedEntrypoint, EdgeAnswer, EdgeContext } from "../edge/edge.ts";
import type { Gateway } from "../gateway.ts";

/** The variables that Hono carries along with each request. */
export interface AppEnv {
  Variables: { exchange: Exchange };
}

/** One request, the cache that it is for, and the facts about it that are known so far. */
export interface Exchange {
  readonly gateway: Gateway;
  readonly cache: CacheScope;
  readonly request: Request;
  readonly meter: BucketMeter;
  readonly edgeContext: EdgeContext;
  /** The objects of the catalogs. `undefined` if the worker was deployed without them. */
  readonly catalogs: CatalogNamespace | undefined;
  readonly requestId: string;
  /** Who answered. "filter" is an absence that the isolate knew; see `absence/known-absences.ts`. */
  outcome: EdgeAnswer["outcome"] | "filter";
  /** The name of the route, for the log. `undefined` for objects, whose kind is the name. */
  route: "page" | "health" | "cache-info" | "api" | undefined;
  /** The object that the path names, once the path is parsed. */
  key: ObjectKey | undefined;
  /** The holder of the token, once the token is verified. */
  token: Identity | undefined;
}

/** The entrypoints and objects of this worker. */
interface WorkerExports {
  readonly Objects?: CachedEntrypoint;
  readonly Catalog?: CatalogNamespace;
}

export function createExchange(gateway: Gateway, context: Context<AppEnv>): Exchange {
  const { executionCtx } = context;
  const { exports = {} } = executionCtx as { readonly exports?: WorkerExports };
  const request = context.req.raw;
  return {
    gateway,
    cache: gateway.caches.find(request),
    request,
    meter: createBucketMeter(),
    edgeContext: {
      waitUntil: (promise) => executionCtx.waitUntil(promise),
      objects: exports.Objects,
    },
    catalogs: exports.Catalog,
    requestId: context.req.header("cf-ray") ?? crypto.randomUUID(),
    outcome: "bypass",
    route: undefined,
    key: undefined,
    token: undefined,
  };
}

/** Returns the half of the cache that serves. Throws `misconfigured` if its settings are wrong (law 10). */
export function cacheReads({ cache }: Exchange): CacheReads {
  if (cache.reads.ok) return cache.reads.value;
  throw new CacheError("misconfigured", formatProblems(cache.reads.error));
}

/**
 * Throws `host-unknown` for a name that HOSTS does not list. A page of another site
 * can make a browser on this machine or network send requests to the gateway under
 * that site's own name (DNS rebinding).
 */
export function requireKnownHost({ cache, request }: Exchange): void {
  const hosts = cache.reads.ok ? cache.reads.value.hosts : [];
  if (hosts.length === 0) return;
  const host = URL.canParse(request.url) ? new URL(request.url).hostname : "";
  if (!hosts.includes(host)) throw new CacheError("host-unknown", host);
}

export function openBucket(exchange: Exchange): Bucket {
  return exchange.gateway.openBucket(cacheReads(exchange), exchange.meter);
}

/**
 * Returns the path as it came on the wire. `new URL(…).pathname` would resolve
 * dot segments, but the gateway parses a path and never mends it (law 4).
 */
export function rawPath(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

/**
 * Returns the path of an object as it came on the wire. Nix does not encode the
 * names of derivations, and an ordinary name such as `x.patch?full_index=1.drv` has
 * a question mark: below `log/` and `build-trace-v2/` it belongs to the name.
 */
export function rawObjectPath(url: string): string {
  const path = rawPath(url);
  if (!/^\/(?:log|build-trace-v2)\//.test(path)) return path;
  const query = new URL(url).search;
  return query === "" ? path : path + query.replaceAll("?", "%3F");
}

/** Returns the Server-Timing header of each answer: the edge's outcome, and the cost at the bucket. */
export function serverTiming({ outcome, meter }: Exchange): string {
  return `edge;desc="${outcome}", bucket;dur=${meter.milliseconds.toFixed(1)};desc="${meter.requests}"`;
}
