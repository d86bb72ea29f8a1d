import type { OidcVerifier } from "./access/oidc/verify-oidc-token.ts";
import type { Bucket, BucketMeter } from "./bucket/bucket.ts";
import type { Config } from "../settings/config.ts";
import type { Edge } from "./edge/edge.ts";
import type { BufferPool } from "./ingest/buffer-pool.ts";
import type { Log } from "./log.ts";

/** Everything the routes work with. One an isolate; tests make their own. */
export interface Gateway {
  readonly config: Config;
  /** The bucket, counting what it is asked. Only called where `config.reads` is good. */
  openBucket(meter: BucketMeter): Bucket;
  readonly edge: Edge;
  readonly pool: BufferPool;
  /** Only where OIDC_TRUST names somebody. */
  readonly oidc: OidcVerifier | undefined;
  readonly now: () => Date;
  readonly log: Log;
}
