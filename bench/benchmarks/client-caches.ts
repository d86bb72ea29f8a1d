import type { BucketProcess } from "../bucket/start-bucket.ts";
import type { LatencyFloor } from "../load/latency-floor.ts";
import type { Nginx } from "../subjects/start-nginx.ts";
import type { CacheService } from "../subjects/workerd-config.ts";

/** The caches that a closure is pushed to and pulled from. */
export interface Caches {
  readonly bucket: BucketProcess;
  /** The cache of each gateway in front of the bucket. */
  readonly cache: CacheService;
  readonly floor: LatencyFloor;
  readonly nginx: Nginx | undefined;
}

/** The latency of a bucket on the same continent as the data centre (assumed). */
const LATENCY_MILLISECONDS = 100;

/** Makes the bucket and the latency floor far (100 ms) or near (0 ms). */
export async function setLatency({ bucket, floor }: Caches, isFar: boolean): Promise<void> {
  const milliseconds = isFar ? LATENCY_MILLISECONDS : 0;
  await bucket.setLatency(milliseconds);
  floor.setLatency(milliseconds);
}
