import type { SecretKey } from "../../nix/signature.ts";
import type { PushSettings } from "../../settings/push-settings.ts";
import type { PublicationMarks } from "../absence/publication-marks.ts";
import type { Bucket } from "../bucket/bucket.ts";
import type { CacheReads } from "../caches/cache-scope.ts";
import type { Clock } from "../clock.ts";
import type { Edge } from "../edge/edge.ts";
import type { Log } from "../log.ts";
import type { UploadBuffers } from "./buffer-pool.ts";

/** Facts that an isolate learned while it ingested, so that it need not ask or compute again. */
export interface IngestMemory {
  /** Times when a bucket was last seen to hold `nix-cache-info`, in milliseconds, by `bucketId`. */
  readonly cacheInfoSeenAt: Map<string, number>;
  /** Times of the last sweep of `.incoming/`, in milliseconds, by `bucketId`. */
  readonly incomingSweptAt: Map<string, number>;
  /** The buckets into which an unsigned narinfo was pushed, by `bucketId`. The log says so once. */
  readonly unsignedSeen: Set<string>;
  /** Times when a push began to work on a document, in milliseconds, by bucket and path. */
  readonly turns: Map<string, number>;
  /** The NARs that were stored and proved a short time ago, by bucket and path; see `batch/stored-nars.ts`. */
  readonly storedNars: Map<string, StoredNar>;
  /** Whether the public half of a signing key is its own; the check costs two signatures. */
  readonly hasMatchingPublicKey: WeakMap<SecretKey, boolean>;
}

export interface StoredNar {
  readonly sizeBytes: number;
  /** The time when it was stored, in milliseconds. */
  readonly at: number;
}

export function createIngestMemory(): IngestMemory {
  return {
    cacheInfoSeenAt: new Map(),
    incomingSweptAt: new Map(),
    unsignedSeen: new Set(),
    turns: new Map(),
    storedNars: new Map(),
    hasMatchingPublicKey: new WeakMap(),
  };
}

/** One push that was let in: who pushes, into which cache, and everything that it takes. */
export interface Push {
  /** The name of the token, for the log. */
  readonly by: string;
  readonly cache: CacheReads;
  readonly rules: PushSettings;
  readonly bucket: Bucket;
  readonly edge: Edge;
  readonly marks: PublicationMarks;
  readonly buffers: UploadBuffers;
  readonly memory: IngestMemory;
  readonly clock: Clock;
  readonly log: Log;
}
