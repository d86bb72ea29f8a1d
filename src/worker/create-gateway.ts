import type { StorePathHash } from "../nix/store-path.ts";
import type { Settings } from "../settings/settings.ts";
import { ABSENCE_RULES } from "./absence/absence-rules.ts";
import { createKnownAbsences } from "./absence/known-absences.ts";
import { openCatalog } from "./catalog/open-catalog.ts";
import { createOidcVerifier } from "./access/oidc/verify-oidc-token.ts";
import { createB2Bucket } from "./bucket/b2-bucket.ts";
import { createBucketMeter } from "./bucket/bucket.ts";
import { createBucketSightings } from "./bucket/bucket-sightings.ts";
import { createS3Client, type S3Environment, type S3Request } from "./bucket/s3-client.ts";
import { createS3Presigner } from "./bucket/s3-presign.ts";
import { openS3ProbeFolder } from "./bucket/s3-probe-folder.ts";
import { type CacheReads, createCaches } from "./caches/cache-scope.ts";
import { type Clock, platformClock } from "./clock.ts";
import { createCacheApiEdge } from "./edge/cache-api-edge.ts";
import { type Edge, noEdge } from "./edge/edge.ts";
import { createWorkersCacheEdge } from "./edge/workers-cache-edge.ts";
import type { Gateway } from "./gateway.ts";
import { createUploadBuffers } from "./ingest/buffer-pool.ts";
import { createIngestMemory } from "./ingest/push-context.ts";
import type { Log } from "./log.ts";
import { createUseSamples, type UseSamples } from "./serve/use-samples.ts";

/**
 * Creates the gateway on the real platform: its fetch, its clock, its cache. `deployment`
 * names this deployment of the worker; empty if the platform does not name it.
 */
export function createGateway(
  settings: Settings,
  log: Log,
  clock: Clock = platformClock,
  deployment = "",
): Gateway {
  const s3Environment: S3Environment = {
    fetch: (url, init) => fetch(url, init),
    ...clock,
    random: Math.random,
  };
  const openS3 = oncePer((cache: CacheReads) => ({
    send: createS3Client(cache.bucket, s3Environment),
    presign: createS3Presigner(cache.bucket, clock.now),
    sightings: createBucketSightings(clock.now),
  }));
  const scopes = createCaches(settings);
  const samplesOf = oncePer<CacheReads, UseSamples>(() => createUseSamples(clock.sleep, log));
  return {
    caches: scopes,
    deployment,
    openBucket: (cache, meter) => createB2Bucket(cache.bucket, openS3(cache), meter),
    openProbe(cache, bucket, header) {
      const { send, presign } = openS3(cache);
      const meter = createBucketMeter();
      const access = { send: (request: S3Request) => send(request, meter), presign };
      return openS3ProbeFolder(cache.bucket, header, { bucket, access }, s3Environment);
    },
    openEdge: oncePer((cache: CacheReads) => createEdge(cache, clock)),
    openAbsences: oncePer((cache: CacheReads) =>
      cache.absent === "bucket"
        ? undefined
        : createKnownAbsences({
            // No client's request pays for a look, so no answer counts it.
            bucket: createB2Bucket(cache.bucket, openS3(cache), createBucketMeter()),
            deployment,
            rules: ABSENCE_RULES,
            log,
            now: () => clock.now().getTime(),
            random: Math.random,
          }),
    ),
    openOidc: oncePer(({ oidcTrust }) =>
      oidcTrust.length === 0
        ? undefined
        : createOidcVerifier(oidcTrust, {
            fetch: (url, init) => fetch(url, init),
            timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
            ...clock,
          }),
    ),
    openCatalog,
    sampleUses(cache, objects, waitUntil) {
      const scope = scopes.findByCatalogName(cache.bucketId);
      if (scope === undefined || !scope.catalog.isOn) return undefined;
      const samples = samplesOf(cache);
      const send = async (hashes: readonly StorePathHash[]) =>
        await openCatalog(scope, objects)?.noteUsed(hashes);
      return (hash) => samples.add(hash, { send, waitUntil });
    },
    buffers: createUploadBuffers(clock),
    memory: createIngestMemory(),
    unsentUses: new Map(),
    clock,
    log,
    random: Math.random,
  };
}

function createEdge(cache: CacheReads, clock: Clock): Edge {
  switch (cache.edge) {
    case "cache-api":
      return createCacheApiEdge(caches.default, cache.edgeKeys, clock.sleep);
    case "workers-cache":
      return createWorkersCacheEdge(cache.edgeKeys);
    case "off":
      return noEdge;
  }
}

/** Makes one value for each key, and remembers it as long as the key lives. */
function oncePer<Key extends object, Value>(create: (key: Key) => Value): (key: Key) => Value {
  const made = new WeakMap<Key, { readonly value: Value }>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known.value;
    const value = create(key);
    made.set(key, { value });
    return value;
  };
}
