import { WorkerEntrypoint } from "cloudflare:workers";
import { createApp, logFailure } from "./app.ts";
import { createB2Bucket } from "./bucket/b2-bucket.ts";
import { createBucketMeter } from "./bucket/bucket.ts";
import { createS3Client } from "./bucket/s3-client.ts";
import { type Config, parseConfig, type ReadConfig } from "./config.ts";
import { createCacheApiEdge } from "./edge/cache-api-edge.ts";
import { type Edge, noEdge } from "./edge/edge.ts";
import { createEdgeKeys } from "./edge/edge-key.ts";
import { answerInnerRequest, createWorkersCacheEdge } from "./edge/workers-cache-edge.ts";
import { CacheError } from "./errors.ts";
import type { Gateway } from "./gateway.ts";
import { failureResponse, toFailure } from "./http/failure-response.ts";
import { createBufferPool } from "./ingest/buffer-pool.ts";
import { logToConsole } from "./log.ts";
import { readFromBucket } from "./serve/origin.ts";

const now = () => new Date();
const sleep = (milliseconds: number) => scheduler.wait(milliseconds);

function noBucket(): never {
  throw new CacheError("misconfigured", "there is no bucket");
}

function createGateway(config: Config): Gateway {
  const base = { config, pool: createBufferPool(sleep), now, log: logToConsole };
  if (!config.reads.ok) return { ...base, openBucket: noBucket, edge: noEdge };
  const reads = config.reads.value;
  const send = createS3Client(reads.bucket, {
    fetch: (url, init) => fetch(url, init),
    now,
    sleep,
    random: Math.random,
  });
  return {
    ...base,
    openBucket: (meter) => createB2Bucket(reads.bucket, send, meter),
    edge: createEdge(reads),
  };
}

function createEdge(reads: ReadConfig): Edge {
  switch (reads.edge) {
    case "cache-api":
      return createCacheApiEdge(caches.default, createEdgeKeys(reads));
    case "workers-cache":
      return createWorkersCacheEdge(createEdgeKeys(reads));
    case "off":
      return noEdge;
  }
}

type Env = Readonly<Record<string, unknown>>;

interface Isolate {
  readonly gateway: Gateway;
  readonly app: ReturnType<typeof createApp>;
}

// Settings do not change while an isolate lives.
let isolate: Isolate | undefined;

function isolateFor(env: Env): Isolate {
  if (isolate === undefined) {
    const gateway = createGateway(parseConfig(env));
    isolate = { gateway, app: createApp(gateway) };
  }
  return isolate;
}

/**
 * The cached side of the gateway: wrangler.toml puts Workers Cache in front of
 * this entrypoint, and of no other. Only the gateway can call it.
 */
export class Objects extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    const { gateway } = isolateFor(this.env);
    const { config, log } = gateway;
    if (!config.reads.ok) return failureResponse(new CacheError("misconfigured", "inner request"));
    const reads = config.reads.value;
    const meter = createBucketMeter();
    return await answerInnerRequest(
      request,
      createEdgeKeys(reads),
      (key, range) =>
        readFromBucket(key, range, {
          bucket: gateway.openBucket(meter),
          storeDir: reads.storeDir,
          log,
        }),
      meter,
      (error) => {
        const failure = toFailure(error);
        logFailure(log, failure, "GET");
        return failure;
      },
    );
  }
}

export default {
  fetch: (request, env, context) => isolateFor(env).app.fetch(request, env, context),
} satisfies ExportedHandler<Env>;
