import type { ProbeFolder } from "../checks/payload-probe.ts";
import type { PayloadHeader } from "../http/payload-header.ts";
import type { StorePathHash } from "../nix/store-path.ts";
import type { KnownAbsences } from "./absence/known-absences.ts";
import type { OidcVerifier } from "./access/oidc/verify-oidc-token.ts";
import type { Bucket, BucketMeter } from "./bucket/bucket.ts";
import type { CacheReads, Caches, CacheScope } from "./caches/cache-scope.ts";
import type { CatalogPort, CatalogNamespace } from "./catalog/catalog.ts";
import type { Clock } from "./clock.ts";
import type { Edge } from "./edge/edge.ts";
import type { UploadBuffers } from "./ingest/buffer-pool.ts";
import type { IngestMemory } from "./ingest/push-context.ts";
import type { Log } from "./log.ts";

/**
 * Everything that the routes work with, and everything that an isolate remembers.
 * An isolate makes one; each test makes its own.
 */
export interface Gateway {
  readonly caches: Caches;
  /** Names this deployment of the worker. Empty if the platform does not name it. */
  readonly deployment: string;
  /** Opens the bucket of a cache. `meter` counts the requests to it. */
  openBucket(cache: CacheReads, meter: BucketMeter): Bucket;
  /** Opens a new folder of the cache's bucket, to probe what the bucket checks. */
  openProbe(cache: CacheReads, bucket: Bucket, header: PayloadHeader): ProbeFolder;
  /** Opens the edge in front of a cache's bucket. */
  openEdge(cache: CacheReads): Edge;
  /** Returns the absences that this isolate knows. `undefined` if ABSENT is "bucket". */
  openAbsences(cache: CacheReads): KnownAbsences | undefined;
  /** Returns what checks OIDC tokens for a cache. `undefined` if OIDC_TRUST is empty. */
  openOidc(cache: CacheScope): OidcVerifier | undefined;
  /** Returns the catalog of a cache. `undefined` if CATALOG is off. */
  openCatalog(cache: CacheScope, objects: CatalogNamespace | undefined): CatalogPort | undefined;
  /**
   * Returns what notes that a reader caused a request for a narinfo: the catalog learns which
   * paths are in use. It returns at once, and no answer depends on it (law 6). `undefined` if
   * CATALOG is off.
   */
  sampleUses(
    cache: CacheReads,
    objects: CatalogNamespace | undefined,
    waitUntil: (promise: Promise<unknown>) => void,
  ): ((hash: StorePathHash) => void) | undefined;
  readonly buffers: UploadBuffers;
  readonly memory: IngestMemory;
  /** The uses of paths of which the catalog was not told yet, by `bucketId`. */
  readonly unsentUses: Map<string, UnsentUses>;
  readonly clock: Clock;
  readonly log: Log;
  /** Returns a random number from 0 to 1. */
  random(): number;
}

/** The uses of paths that an isolate has not told a catalog yet. */
export interface UnsentUses {
  readonly paths: Set<StorePathHash>;
  readonly nars: Set<string>;
  /** Whether a request is about to tell them. */
  isWaiting: boolean;
}
