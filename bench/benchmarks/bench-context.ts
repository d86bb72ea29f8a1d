import { createHash } from "node:crypto";
import type { BucketProcess } from "../bucket/start-bucket.ts";
import { startBucket } from "../bucket/start-bucket.ts";
import type { Teardown } from "../measure/teardown.ts";
import { buildSmallestWorker, type SmallestWorker } from "../subjects/build-worker.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { startWorker } from "../subjects/start-worker.ts";
import type { CacheService } from "../subjects/workerd-config.ts";

/** What every benchmark works with. */
export interface BenchContext {
  readonly isQuick: boolean;
  /** For everything; removed in the end. */
  readonly directory: string;
  /** The bundle of the deployed worker. */
  readonly deployedWorker: string;
  readonly compatibilityDate: string;
  readonly teardown: Teardown;
  /** Tells the person what is under way. */
  readonly say: (what: string) => void;
}

export const PUSH_TOKEN = "token-of-the-benchmark";

const TOKENS = JSON.stringify([
  {
    name: "bench",
    sha256: createHash("sha256").update(PUSH_TOKEN).digest("hex"),
    scopes: ["push"],
  },
]);

export async function openBucket(context: BenchContext): Promise<BucketProcess> {
  const bucket = await startBucket(context.directory);
  context.teardown.add(() => bucket.stop());
  return bucket;
}

/** The cache worker, to run beside a worker in its process. */
export async function cacheInside(context: BenchContext, keeps: boolean): Promise<CacheService> {
  return { module: await buildSmallestWorker("memory-cache", context.directory), keeps };
}

export interface GatewayOptions {
  readonly bucket: BucketProcess;
  /**
   * For EDGE=cache-api. Without one it is workers-cache, as wrangler.toml ships
   * it: outside Cloudflare no cache stands before its entrypoint, so that every
   * read is a miss, and this much of it can be measured.
   */
  readonly cache: CacheService | undefined;
}

/** The deployed worker, set as it is shipped but for EDGE; what it logs goes nowhere. */
export async function openGateway(
  context: BenchContext,
  { bucket, cache }: GatewayOptions,
): Promise<RunningProcess> {
  return await open(context, context.deployedWorker, cache, {
    ...bucket.settings,
    EDGE: cache === undefined ? "workers-cache" : "cache-api",
    TOKENS,
  });
}

export async function openSmallest(
  context: BenchContext,
  name: SmallestWorker,
  options: { readonly bucket?: BucketProcess; readonly cache?: CacheService } = {},
): Promise<RunningProcess> {
  const module = await buildSmallestWorker(name, context.directory);
  return await open(context, module, options.cache, options.bucket?.settings ?? {});
}

async function open(
  context: BenchContext,
  module: string,
  cache: CacheService | undefined,
  bindings: Readonly<Record<string, string>>,
): Promise<RunningProcess> {
  const { compatibilityDate, directory } = context;
  const running = await startWorker({ module, compatibilityDate, bindings, cache }, directory);
  context.teardown.add(() => running.stop());
  return running;
}
