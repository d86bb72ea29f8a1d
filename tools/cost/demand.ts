import { pushDemand } from "./push-demand.ts";
import type { Usage } from "./usage.ts";

/** An average narinfo: 0.5 to 2 KB, more with many references (assumed). */
const NARINFO_BYTES = 1_000;
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
  /** What clients send: reads, and what their pushes take. */
  readonly clientRequests: number;
  /** With Workers Cache, what the gateway asks of its cached entrypoint: every GET of an object. */
  readonly innerRequests: number;
  readonly cpuMs: number;
  /** What the longest request of a push takes: the NAR's. */
  readonly cpuMsOfNar: number;
  readonly logGb: number;
  readonly bucketReads: number;
  readonly bucketWrites: number;
  readonly gbFromBucket: number;
  readonly storedGb: number;
}

/** What a month comes to at the gateway, and at the bucket behind it. */
export function gatewayDemand(usage: Usage, hasInnerRequests: boolean): GatewayDemand {
  const reads = readDemand(usage);
  const push = pushDemand(usage);
  const { pushes } = usage;
  const clientRequests = reads.requests + pushes * push.clientRequests;
  // A pusher is never told "absent" by the edge, so its narinfo GET reaches the bucket.
  const innerRuns = hasInnerRequests ? reads.misses + pushes : 0;
  return {
    clientRequests,
    innerRequests: hasInnerRequests ? usage.lookups + usage.pulls + pushes : 0,
    cpuMs: (reads.requests + innerRuns) * usage.cpuRequestMs + pushes * push.cpuMs,
    cpuMsOfNar: push.cpuMsOfNar,
    logGb: ((clientRequests + innerRuns) * usage.logSample * usage.logKb) / KB_PER_GB,
    bucketReads: reads.misses + pushes * push.bucketReads,
    bucketWrites: pushes * push.bucketWrites,
    gbFromBucket: reads.gbFromBucket + pushes * push.gbFromBucket,
    storedGb: storedGb(usage) + pushes * push.gbMonths,
  };
}

/** What Nix itself asks of a bucket by `s3://` for a path it pushes. */
export const S3_PUSH = { reads: 2, writes: 2 };
