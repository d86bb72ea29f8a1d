import type { Usage } from "./usage.ts";

/** What it takes to push one path through the gateway. */
export interface PushDemand {
  /** The first of them, a GET of the narinfo, passes the edge; it never finds "absent" there. */
  readonly clientRequests: number;
  readonly cpuMs: number;
  /** Of the longest request: the NAR's. */
  readonly cpuMsOfNar: number;
  readonly bucketReads: number;
  readonly bucketWrites: number;
  /** What is read back to prove it. */
  readonly gbFromBucket: number;
  /** What B2 keeps for a day beside the object itself, spread over a month. */
  readonly gbMonths: number;
}

const BYTES_PER_MB = 1e6;
const GB_PER_MB = 1e-3;
const DAYS_PER_MONTH = 30;

const MIB = 1024 * 1024;

/** Copies, since nothing of the worker is imported here; a test holds them equal to what they name. */
export const PUSH_LIMITS = {
  /** `ingest/part-plan.ts`: what is larger goes straight to the bucket, in parts. */
  directAboveBytes: 16 * MIB,
  /** The same, of NARs up to 151 GB: no average is larger. */
  directPartBytes: 16 * MIB,
  /** `ingest/buffer-pool.ts`: through the gateway a NAR up to this is one PUT. */
  gatewayPartBytes: 8 * MIB,
  /** `cli/push/upload-api.ts` */
  urlsPerRequest: 100,
  /** `bucket/s3-copy.ts`: what is larger is copied in ranges. */
  singleCopyBytes: 5e9,
  copyRangeBytes: 1e9,
} as const;

/** Whether `nargate push` sends NARs of this size past the gateway; `nix copy` sends none. */
export function isPushedDirectly(narMb: number): boolean {
  return narMb * BYTES_PER_MB > PUSH_LIMITS.directAboveBytes;
}

export function pushDemand(usage: Usage): PushDemand {
  return isPushedDirectly(usage.narMb) ? directPush(usage) : pushThroughGateway(usage);
}

function pushThroughGateway({ narMb, cpuRequestMs, cpuUploadMsPerMb, cpuPublishMs }: Usage) {
  const parts = Math.ceil((narMb * BYTES_PER_MB) / PUSH_LIMITS.gatewayPartBytes);
  const cpuMsOfNar = cpuRequestMs + narMb * cpuUploadMsPerMb;
  return {
    // GET narinfo, HEAD NAR, PUT NAR, PUT narinfo.
    clientRequests: 4,
    cpuMs: 3 * cpuRequestMs + cpuMsOfNar + cpuPublishMs,
    cpuMsOfNar,
    // The first two; and for the narinfo a look at its NAR and at what is published.
    bucketReads: 4,
    // In parts: to create and to complete the upload, too.
    bucketWrites: (parts <= 1 ? 1 : parts + 2) + 1,
    gbFromBucket: 0,
    gbMonths: 0,
  };
}

function directPush({ narMb, cpuRequestMs, cpuProofMsPerMb, cpuPublishMs }: Usage): PushDemand {
  const bytes = narMb * BYTES_PER_MB;
  const parts = Math.ceil(bytes / PUSH_LIMITS.directPartBytes);
  // GET narinfo, start, which gives the first URLs, complete, PUT narinfo.
  const clientRequests = 4 + Math.max(0, Math.ceil(parts / PUSH_LIMITS.urlsPerRequest) - 1);
  const cpuMsOfNar = cpuRequestMs + narMb * cpuProofMsPerMb;
  const gb = narMb * GB_PER_MB;
  return {
    clientRequests,
    cpuMs: (clientRequests - 1) * cpuRequestMs + cpuMsOfNar + cpuPublishMs,
    cpuMsOfNar,
    // start: HEAD and two listings; complete: HEAD of both names, the parts, the
    // bytes themselves, and two listings to clear up. And three for the narinfo.
    bucketReads: 3 + 6 + 3,
    // create, the parts; complete, copy, delete; and the narinfo.
    bucketWrites: 1 + parts + 2 + copyRequests(bytes) + 1,
    gbFromBucket: gb,
    gbMonths: gb / DAYS_PER_MONTH,
  };
}

/** In ranges: to create the copy and to complete it, too. */
function copyRequests(bytes: number): number {
  const { singleCopyBytes, copyRangeBytes } = PUSH_LIMITS;
  return bytes > singleCopyBytes ? Math.ceil(bytes / copyRangeBytes) + 2 : 1;
}
