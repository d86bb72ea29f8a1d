import type { ProbeFolder } from "../../checks/payload-probe.ts";
import type { PayloadHeader } from "../../http/payload-header.ts";
import type { SecretKey } from "../../nix/signature.ts";
import type { PushSettings } from "../../settings/push-settings.ts";
import type { PublicationMarks } from "../absence/publication-marks.ts";
import type { Bucket } from "../bucket/bucket.ts";
import type { CacheReads } from "../caches/cache-scope.ts";
import type { Clock } from "../clock.ts";
import type { Edge, EdgeContext } from "../edge/edge.ts";
import type { Log } from "../log.ts";
import type { UploadBuffers } from "./buffer-pool.ts";
import { type ContentsMemory, createContentsMemory } from "./contents/contents-memory.ts";
import type { PublicationRecorder } from "./publication-recorder.ts";
import type { RemovalGuard } from "./removal-guard.ts";

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
  /** Who proves the bytes that clients send to a bucket, by `bucketId`, and until when to believe it. */
  readonly payloadChecks: Map<string, { readonly check: PayloadCheck; readonly until: number }>;
  /** Times when a probe of a bucket began, in milliseconds, by `bucketId`. */
  readonly probesStartedAt: Map<string, number>;
  /** What NARs hold, as far as this isolate has unpacked them; see `contents/known-contents.ts`. */
  readonly contents: ContentsMemory;
  /** Whether the public half of a signing key is its own; the check costs two signatures. */
  readonly hasMatchingPublicKey: WeakMap<SecretKey, boolean>;
}

/** Whether the bucket refuses a PUT with other bytes than its signature covers. */
export type PayloadCheck =
  /** It does, if the signature covers this header. */
  | { readonly kind: "checked"; readonly header: PayloadHeader }
  /** It does not, so the gateway reads back what clients send. `because` is a predicate. */
  | { readonly kind: "unchecked"; readonly because: string }
  /** The bucket failed, or another request finds out at this moment. */
  | { readonly kind: "unknown" };

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
    payloadChecks: new Map(),
    probesStartedAt: new Map(),
    contents: createContentsMemory(),
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
  /** Opens a new folder of the bucket, to find out whether it proves bytes by this header. */
  openProbe(header: PayloadHeader): ProbeFolder;
  readonly edgeContext: EdgeContext;
  readonly marks: PublicationMarks;
  readonly recorder: PublicationRecorder;
  readonly guard: RemovalGuard;
  readonly buffers: UploadBuffers;
  readonly memory: IngestMemory;
  readonly clock: Clock;
  readonly log: Log;
  /** Returns a random number from 0 to 1. */
  random(): number;
}
