import type { Usage } from "./usage.ts";

/** An average narinfo: 0.5 to 2 KB, more with many references (assumed). */
const NARINFO_BYTES = 1_000;
/** As in `ingest/buffer-pool.ts`: a NAR up to this is one PUT, a larger one goes up in parts. */
const PART_BYTES = 8 * 1024 * 1024;
const BYTES_PER_MB = 1e6;
const GB_PER_MB = 1e-3;
const GB_PER_BYTE = 1e-9;
const KB_PER_GB = 1e6;

/** What a month of reads comes to, whoever serves them. */
export interface ReadDemand {
  /** Narinfos, NARs, and the nix-cache-info that each client asks for first. */
  readonly requests: number;
  /** Those that a cache in front of the bucket does not answer. */
  readonly misses: number;
  readonly gbToClients: number;
  readonly gbFromBucket: number;
}

export function readDemand(usage: Usage): ReadDemand {
  const present = usage.lookups * (1 - usage.absent);
  const narinfoMisses = present * (1 - usage.hitNarinfo);
  const absentMisses = usage.lookups * usage.absent * (1 - usage.hitAbsent);
  const narMisses = usage.pulls * (1 - usage.hitNar);
  const narGb = usage.narMb * GB_PER_MB;
  const narinfoGb = NARINFO_BYTES * GB_PER_BYTE;
  return {
    requests: usage.lookups + usage.pulls + usage.clients,
    misses: narinfoMisses + absentMisses + narMisses,
    gbToClients: usage.pulls * narGb + present * narinfoGb,
    gbFromBucket: narMisses * narGb + narinfoMisses * narinfoGb,
  };
}

/** A NAR and a narinfo for each path. */
export function storedGb({ paths, narMb }: Usage): number {
  return paths * (narMb * GB_PER_MB + NARINFO_BYTES * GB_PER_BYTE);
}

export interface GatewayDemand {
  /** What clients send: reads, and four requests a push: GET narinfo, HEAD NAR, PUT NAR, PUT narinfo. */
  readonly clientRequests: number;
  /** With Workers Cache, what the gateway asks of its cached entrypoint: every GET of an object. */
  readonly innerRequests: number;
  readonly cpuMs: number;
  /** What the longest request of a push takes: the NAR itself. */
  readonly cpuMsOfUpload: number;
  readonly logGb: number;
  readonly bucketReads: number;
  readonly bucketWrites: number;
}

/** What a month comes to at the gateway, and at the bucket behind it. */
export function gatewayDemand(usage: Usage, hasInnerRequests: boolean): GatewayDemand {
  const reads = readDemand(usage);
  const { pushes, narMb } = usage;
  const clientRequests = reads.requests + 4 * pushes;
  // A pusher is never told "absent" by the edge, so its narinfo GET reaches the bucket.
  const misses = reads.misses + pushes;
  const innerRuns = hasInnerRequests ? misses : 0;
  const cpuMsOfUpload = usage.cpuRequestMs + narMb * usage.cpuUploadMsPerMb;
  return {
    clientRequests,
    innerRequests: hasInnerRequests ? usage.lookups + usage.pulls + pushes : 0,
    cpuMs:
      (clientRequests + innerRuns) * usage.cpuRequestMs +
      pushes * (narMb * usage.cpuUploadMsPerMb + usage.cpuPublishMs),
    cpuMsOfUpload,
    logGb: ((clientRequests + innerRuns) * usage.logSample * usage.logKb) / KB_PER_GB,
    // HEAD of the NAR; and for the narinfo a look at its NAR and at what is published.
    bucketReads: misses + 3 * pushes,
    bucketWrites: pushes * (bucketRequestsOfUpload(narMb) + 1),
  };
}

function bucketRequestsOfUpload(narMb: number): number {
  const parts = Math.ceil((narMb * BYTES_PER_MB) / PART_BYTES);
  return parts <= 1 ? 1 : parts + 2;
}

/** What Nix itself asks of a bucket by `s3://` for a path it pushes. */
export const DIRECT_PUSH = { reads: 2, writes: 2 };

const SECONDS_PER_DAY = 86_400;
/** How far a busy hour lies above the average: a team works eight hours of 24, and its CI starts at once. */
export const PEAK_FACTOR = 5;

/** Requests a second in a busy hour. */
export function peakPerSecond(monthly: number, { days }: Usage): number {
  return (monthly / (days * SECONDS_PER_DAY)) * PEAK_FACTOR;
}
