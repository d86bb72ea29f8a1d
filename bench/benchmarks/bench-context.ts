import { createHash } from "node:crypto";
import { type BucketProcess, startBucket } from "../bucket/start-bucket.ts";
import type { Teardown } from "../measure/teardown.ts";
import { buildSmallestWorker, type SmallestWorker } from "../subjects/build-worker.ts";
import type { FoundPeers } from "../subjects/find-peers.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { type RunningWorker, startWorker, type WorkerToStart } from "../subjects/start-worker.ts";
import type { CacheService } from "../subjects/workerd-config.ts";

/** The settings and tools that every benchmark gets. */
export interface BenchContext {
  readonly isQuick: boolean;
  /** A directory for all files of the run. It is removed when the run ends. */
  readonly directory: string;
  /** The file with the bundle of the deployed worker. */
  readonly deployedWorker: string;
  readonly compatibilityDate: string;
  readonly teardown: Teardown;
  /** Prints the current step for the person who runs the benchmark. */
  readonly say: (what: string) => void;
  /** The programs of other caches on this machine. */
  readonly peers: FoundPeers;
  /** The round trips to the bucket of the benchmark `peers`, in milliseconds. */
  readonly latencies: readonly number[];
}

export const PUSH_TOKEN = "token-of-the-benchmark";

export const TOKENS = JSON.stringify([
  {
    name: "bench",
    sha256: createHash("sha256").update(PUSH_TOKEN).digest("hex"),
    scopes: ["push"],
  },
]);

/** Starts an empty bucket. It stops when the benchmark ends. */
export async function openBucket(context: BenchContext): Promise<BucketProcess> {
  const bucket = await startBucket(context.directory);
  context.teardown.add(() => bucket.stop());
  return bucket;
}

/** Builds the cache worker, which runs in the same process as the measured worker. */
export async function cacheInside(context: BenchContext, keeps: boolean): Promise<CacheService> {
  return { module: await buildSmallestWorker("memory-cache", context.directory), keeps };
}

/** The bucket and the cache of a gateway. */
export interface GatewayOptions {
  readonly bucket: Pick<BucketProcess, "settings">;
  /**
   * The cache for EDGE=cache-api. If `undefined`, the gateway runs with
   * EDGE=workers-cache, as wrangler.toml ships it. Outside Cloudflare there is no
   * Workers Cache in front of its entrypoint, so every read is a miss. Only these
   * misses can be measured here.
   */
  readonly cache: CacheService | undefined;
  readonly isInspected?: boolean;
  /** Further settings. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The directory for the database of the catalog. Without it CATALOG is off. */
  readonly catalogDirectory?: string;
}

/**
 * Starts the deployed worker. All settings except EDGE and `settings` are as they are
 * shipped. Its log is discarded.
 */
export async function openGateway(
  context: BenchContext,
  { bucket, cache, isInspected = false, settings = {}, catalogDirectory }: GatewayOptions,
): Promise<RunningWorker> {
  const bindings = {
    ...bucket.settings,
    EDGE: cache === undefined ? "workers-cache" : "cache-api",
    TOKENS,
    CATALOG: catalogDirectory === undefined ? "off" : "on",
    ...settings,
  };
  const module = context.deployedWorker;
  return await open(context, { module, cache, bindings, isInspected, catalogDirectory });
}

/** Starts one of the workers of `bench/workerd`. */
export async function openSmallest(
  context: BenchContext,
  name: SmallestWorker,
  options: { readonly bucket?: BucketProcess; readonly cache?: CacheService } = {},
): Promise<RunningProcess> {
  const module = await buildSmallestWorker(name, context.directory);
  return await open(context, {
    module,
    cache: options.cache,
    bindings: options.bucket?.settings ?? {},
  });
}

async function open(
  context: BenchContext,
  worker: Omit<WorkerToStart, "compatibilityDate">,
): Promise<RunningWorker> {
  const { compatibilityDate, directory } = context;
  const running = await startWorker({ ...worker, compatibilityDate }, directory);
  context.teardown.add(() => running.stop());
  return running;
}
