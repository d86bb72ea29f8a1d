import { createOidcVerifier } from "./access/oidc/verify-oidc-token.ts";
import { createB2Bucket } from "./bucket/b2-bucket.ts";
import { createS3Client } from "./bucket/s3-client.ts";
import { createS3Presigner } from "./bucket/s3-presign.ts";
import type { Config, ReadConfig } from "../settings/config.ts";
import { createCacheApiEdge } from "./edge/cache-api-edge.ts";
import { type Edge, noEdge } from "./edge/edge.ts";
import { createEdgeKeys } from "./edge/edge-key.ts";
import { createWorkersCacheEdge } from "./edge/workers-cache-edge.ts";
import { CacheError } from "./cache-error.ts";
import type { Gateway } from "./gateway.ts";
import { createBufferPool } from "./ingest/buffer-pool.ts";
import type { Log } from "./log.ts";

const now = () => new Date();
const sleep = (milliseconds: number) => scheduler.wait(milliseconds);

function noBucket(): never {
  throw new CacheError("misconfigured", "there is no bucket");
}

/** The gateway on the real platform: its fetch, its clock, its cache. */
export function createGateway(config: Config, log: Log): Gateway {
  const base = {
    config,
    pool: createBufferPool(sleep),
    oidc: createOidc(config),
    now,
    log,
  };
  if (!config.reads.ok) return { ...base, openBucket: noBucket, edge: noEdge };
  const reads = config.reads.value;
  const send = createS3Client(reads.bucket, {
    fetch: (url, init) => fetch(url, init),
    now,
    sleep,
    random: Math.random,
  });
  const presign = createS3Presigner(reads.bucket, now);
  return {
    ...base,
    openBucket: (meter) => createB2Bucket(reads.bucket, { send, presign }, meter),
    edge: createEdge(reads),
  };
}

function createOidc({ oidcTrust }: Config) {
  if (oidcTrust.length === 0) return undefined;
  return createOidcVerifier(oidcTrust, {
    fetch: (url, init) => fetch(url, init),
    timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
    now,
    sleep,
  });
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
