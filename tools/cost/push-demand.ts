import type { Usage } from "./usage.ts";

/** The work to push one path. */
export interface PushDemand {
  /**
   * Requests to the gateway. One for several paths counts with its share. The edge never
   * answers "absent" to a pusher, so each reaches the bucket.
   */
  readonly clientRequests: number;
  readonly cpuMs: number;
  /** CPU of the longest request, which is the request for the NAR. */
  readonly cpuMsOfNar: number;
  readonly bucketReads: number;
  readonly bucketWrites: number;
  /** Bytes that the gateway reads back from B2 to prove the NAR. */
  readonly gbFromBucket: number;
  /** Bytes that B2 keeps for one day besides the object itself, averaged over a month. */
  readonly gbMonths: number;
}

const BYTES_PER_MB = 1e6;
const GB_PER_MB = 1e-3;
const DAYS_PER_MONTH = 30;

const MIB = 1024 * 1024;

/**
 * Limits of the worker and of `nargate push`. They are copies, because tools may not
 * import the worker. A test compares each with the constant in the named file.
 */
export const PUSH_LIMITS = {
  /** `src/worker/ingest/part-plan.ts`: a larger NAR goes straight to the bucket, in parts. */
  directAboveBytes: 16 * MIB,
  /** `src/worker/ingest/part-plan.ts`: the part size for NARs up to 151 GB. No average is larger. */
  directPartBytes: 16 * MIB,
  /** `src/worker/ingest/buffer-pool.ts`: a NAR up to this size goes through the gateway in one PUT. */
  gatewayPartBytes: 8 * MIB,
  /** `src/api/batches.ts`: the narinfos that one request publishes. */
  narinfosPerRequest: 6,
  /** `src/client/push/upload-api.ts`: part URLs in one request. */
  urlsPerRequest: 100,
  /** `src/worker/bucket/s3-copy.ts`: a larger object is copied in ranges of `copyRangeBytes`. */
  singleCopyBytes: 5e9,
  copyRangeBytes: 1e9,
} as const;

/** The share of a request that publishes one narinfo. */
const PUBLISH_SHARE = 1 / PUSH_LIMITS.narinfosPerRequest;

/**
 * Returns whether `nargate push` sends NARs of this size straight to the bucket.
 * `nix copy` sends every NAR through the gateway.
 */
export function isPushedDirectly(narMb: number): boolean {
  return narMb * BYTES_PER_MB > PUSH_LIMITS.directAboveBytes;
}

/**
 * The listing of the NAR, which `nargate push` sends with the narinfo. One above 4 KiB
 * goes by itself, and takes a request and a bucket read more. `nix copy` sends none by
 * default.
 */
const LISTING = { bucketWrites: 1 } as const;

/** Calculates the work to push one path with a NAR of the average size. */
export function pushDemand(usage: Usage): PushDemand {
  return isPushedDirectly(usage.narMb) ? directPush(usage) : pushThroughGateway(usage);
}

function pushThroughGateway({ narMb, cpuRequestMs, cpuUploadMsPerMb, cpuPublishMs }: Usage) {
  const parts = Math.ceil((narMb * BYTES_PER_MB) / PUSH_LIMITS.gatewayPartBytes);
  const cpuMsOfNar = cpuRequestMs + narMb * cpuUploadMsPerMb;
  return {
    // As `nix copy` does it: GET narinfo, HEAD NAR, PUT NAR, PUT narinfo. `nargate push`
    // takes about two, because it asks for all paths at once and publishes six narinfos in
    // one request, with their listings.
    clientRequests: 4,
    cpuMs: 3 * cpuRequestMs + cpuMsOfNar + cpuPublishMs,
    cpuMsOfNar,
    // The GET and the HEAD. To publish the narinfo, the gateway looks for its NAR,
    // and for a published narinfo before and after it writes.
    bucketReads: 5,
    // The NAR: one PUT, or its parts and two requests to create and complete the
    // upload. Then the narinfo.
    bucketWrites: (parts <= 1 ? 1 : parts + 2) + 1 + LISTING.bucketWrites,
    gbFromBucket: 0,
    gbMonths: 0,
  };
}

function directPush({ narMb, cpuRequestMs, cpuProofMsPerMb, cpuPublishMs }: Usage): PushDemand {
  const bytes = narMb * BYTES_PER_MB;
  const parts = Math.ceil(bytes / PUSH_LIMITS.directPartBytes);
  // start, which returns the first URLs; complete; a share of a batch of narinfos. One
  // more request for each further 100 part URLs.
  const moreUrls = Math.max(0, Math.ceil(parts / PUSH_LIMITS.urlsPerRequest) - 1);
  const clientRequests = 2 + PUBLISH_SHARE + moreUrls;
  const cpuMsOfNar = cpuRequestMs + narMb * cpuProofMsPerMb;
  const gb = narMb * GB_PER_MB;
  return {
    clientRequests,
    cpuMs: (clientRequests - 1) * cpuRequestMs + cpuMsOfNar + cpuPublishMs,
    cpuMsOfNar,
    // start: a HEAD and two listings. complete: a HEAD of each of the two names, a
    // listing of the parts, a read of the bytes, and two listings to clean up. The
    // narinfo: four reads, with the one that finds it missing.
    bucketReads: 3 + 6 + 4,
    // Create the upload, its parts, complete, delete, the copy, and the narinfo.
    bucketWrites: 1 + parts + 2 + copyRequests(bytes) + 1 + LISTING.bucketWrites,
    gbFromBucket: gb,
    gbMonths: gb / DAYS_PER_MONTH,
  };
}

/**
 * Returns the requests to copy an object: one, or for a large object one for each
 * range and two to create and complete the copy.
 */
function copyRequests(bytes: number): number {
  const { singleCopyBytes, copyRangeBytes } = PUSH_LIMITS;
  return bytes > singleCopyBytes ? Math.ceil(bytes / copyRangeBytes) + 2 : 1;
}
