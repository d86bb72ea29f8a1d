import type { Context } from "hono";
import type { Identity } from "../access/identity.ts";
import { type Bucket, type BucketMeter, createBucketMeter } from "../bucket/bucket.ts";
import { formatProblems, type ReadConfig } from "../../settings/config.ts";
import type { CachedEntrypoint, EdgeAnswer, EdgeContext } from "../edge/edge.ts";
import { CacheError } from "../cache-error.ts";
import type { Gateway } from "../gateway.ts";
import type { ObjectKey } from "../../nix/object-key.ts";

/** What Hono carries along with each request. */
export interface AppEnv {
  Variables: { exchange: Exchange };
}

/** One request and what has come of it so far. */
export interface Exchange {
  readonly gateway: Gateway;
  readonly request: Request;
  readonly meter: BucketMeter;
  readonly edge: EdgeContext;
  readonly requestId: string;
  outcome: EdgeAnswer["outcome"];
  /** What the path turned out to be, once it is parsed. */
  key: ObjectKey | undefined;
  /** Whose token it was, once that is known. */
  token: Identity | undefined;
}

export function createExchange(gateway: Gateway, context: Context<AppEnv>): Exchange {
  const { executionCtx } = context;
  return {
    gateway,
    request: context.req.raw,
    meter: createBucketMeter(),
    edge: {
      waitUntil: (promise) => executionCtx.waitUntil(promise),
      objects: (executionCtx as { exports?: { Objects?: CachedEntrypoint } }).exports?.Objects,
    },
    requestId: context.req.header("cf-ray") ?? crypto.randomUUID(),
    outcome: "bypass",
    key: undefined,
    token: undefined,
  };
}

export function openBucket({ gateway, meter }: Exchange): Bucket {
  return gateway.openBucket(meter);
}

/** The settings that every route needs; a gateway without them says so (law 10). */
export function readConfig({ config }: Gateway): ReadConfig {
  if (config.reads.ok) return config.reads.value;
  throw new CacheError("misconfigured", formatProblems(config.reads.error));
}

/**
 * The path as it came on the wire. Not `new URL(…).pathname`: that would resolve
 * dot segments, and a path is parsed here, never mended (law 4).
 */
export function rawPath(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

/** Tells on every answer what happened: the edge's outcome, and what it cost at the bucket. */
export function serverTiming({ outcome, meter }: Exchange): string {
  return `edge;desc="${outcome}", bucket;dur=${meter.milliseconds.toFixed(1)};desc="${meter.requests}"`;
}
