import { createB2Bucket } from "../../src/worker/bucket/b2-bucket.ts";
import { createBucketSightings } from "../../src/worker/bucket/bucket-sightings.ts";
import { createS3Client } from "../../src/worker/bucket/s3-client.ts";
import { createS3Presigner } from "../../src/worker/bucket/s3-presign.ts";
import { platformClock } from "../../src/worker/clock.ts";
import type { Gateway } from "../../src/worker/gateway.ts";

/** The number of subrequests that one request may make on Cloudflare's free plan. */
export const FREE_SUBREQUESTS = 50;

/** Counts the subrequests of the request that has made most of them. */
export interface FreePlan {
  readonly most: () => number;
  limit(gateway: Gateway): Gateway;
}

/**
 * Limits the subrequests of each request as the free plan does: it refuses each one above
 * 50. A deletion of an entry of the Cache API is a subrequest too. A gateway opens its
 * bucket once for each request that asks the bucket.
 */
export function createFreePlan(): FreePlan {
  let most = 0;
  function countOne(own: { count: number }): void {
    most = Math.max(most, ++own.count);
    if (own.count > FREE_SUBREQUESTS) throw new Error("Too many subrequests.");
  }
  return {
    most: () => most,
    limit: (gateway) => {
      let subrequests = { count: 0 };
      return {
        ...gateway,
        openBucket(cache, meter) {
          const own = { count: 0 };
          subrequests = own;
          const send = createS3Client(cache.bucket, {
            async fetch(url, init) {
              countOne(own);
              return await fetch(url, init);
            },
            ...platformClock,
            random: Math.random,
          });
          const presign = createS3Presigner(cache.bucket, platformClock.now);
          const sightings = createBucketSightings(platformClock.now);
          return createB2Bucket(cache.bucket, { send, presign, sightings }, meter);
        },
        openEdge(cache) {
          const edge = gateway.openEdge(cache);
          return {
            ...edge,
            async forget(key) {
              countOne(subrequests);
              await edge.forget(key);
            },
          };
        },
      };
    },
  };
}
