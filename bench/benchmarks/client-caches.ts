import type { BucketProcess } from "../bucket/start-bucket.ts";
import type { LatencyFloor } from "../load/latency-floor.ts";
import type { Nginx } from "../subjects/start-nginx.ts";
import type { CacheService } from "../subjects/workerd-config.ts";

/** What a closure is pushed to and pulled from. */
export interface Caches {
  readonly bucket: BucketProcess;
  /** For each gateway that is put before the bucket. */
  readonly cache: CacheService;
  readonly floor: LatencyFloor;
  readonly nginx: Nginx | undefined;
}

/** From a data centre to a bucket on the same continent. */
const LATENCY_MILLISECONDS = 100;

export async function setLatency({ bucket, floor }: Caches, isFar: boolean): Promise<void> {
  const milliseconds = isFar ? LATENCY_MILLISECONDS : 0;
  await bucket.setLatency(milliseconds);
  floor.setLatency(milliseconds);
}
