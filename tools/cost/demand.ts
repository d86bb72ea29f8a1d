import { pushDemand } from "./push-demand.ts";
import type { Usage } from "./usage.ts";

/** The size of an average narinfo (assumed). Most have 0.5 to 2 KB, and more with many references. */
const NARINFO_BYTES = 1_000;
const GB_PER_MB = 1e-3;
const GB_PER_BYTE = 1e-9;
const KB_PER_GB = 1e6;

/** The reads of a month. They are the same for every provider. */
export interface ReadDemand {
  /** Requests for narinfos and NARs, and for the nix-cache-info that each client requests first. */
  readonly requests: number;
  /** The requests that a cache in front of the bucket does not answer. */
  readonly misses: number;
  readonly gbToClients: number;
  readonly gbFromBucket: number;
}

/** Calculates the reads of a month. */
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

/** Returns the size of all stored objects: a NAR and a narinfo for each path. */
export function storedGb({ paths, narMb }: Usage): number {
  return paths * (narMb * GB_PER_MB + NARINFO_BYTES * GB_PER_BYTE);
}

/** The work of the gateway in a month, and of the bucket behind it. */
export interface GatewayDemand {
  /** Requests from clients: their reads, and the requests of their pushes. */
  readonly clientRequests: number;
  /** With Workers Cache, the requests of the gateway to its own cached entrypoint: one for each GET of an object. */
  readonly innerRequests: number;
  readonly cpuMs: number;
  /** CPU of the longest request of a push, which is the request for the NAR. */
  readonly cpuMsOfNar: number;
  readonly logGb: number;
  readonly bucketReads: number;
  readonly bucketWrites: number;
  readonly gbFromBucket: number;
  readonly storedGb: number;
}

/** Calculates the work of the gateway and of its bucket in a month. */
export function gatewayDemand(usage: Usage, hasInnerRequests: boolean): GatewayDemand {
  const reads = readDemand(usage);
  const push = pushDemand(usage);
  const { pushes } = usage;
  const clientRequests = reads.requests + pushes * push.clientRequests;
  // The edge never answers "absent" to a client that pushes, so its GET of the
  // narinfo reaches the bucket.
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

/** The bucket requests of Nix for each path that it pushes by `s3://`. */
export const S3_PUSH = { reads: 2, writes: 2 };
