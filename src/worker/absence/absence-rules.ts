/** The times and amounts on which the proof of an absence rests. Tests break them one by one. */
export interface AbsenceRules {
  /** How long after a look at the folder an absence may be told. The edge keeps absences as long. */
  readonly believedMilliseconds: number;
  /** The pause between two looks, if the last one was believed. */
  readonly refreshMilliseconds: number;
  /** The same pause for the isolate that builds a filter. */
  readonly stepMilliseconds: number;
  /** The same pause if nothing is to be done. */
  readonly idleMilliseconds: number;
  /** How long a marker covers the PUTs of its narinfos. After this time the writer marks again. */
  readonly markMilliseconds: number;
  /** The longest time between a marker and the moment when its narinfo is visible. */
  readonly graceMilliseconds: number;
  /** How long a filter has been in the bucket when the markers that it makes superfluous are removed. */
  readonly settleMilliseconds: number;
  /** How long the first filter of a deployment waits for a second listing that confirms it. */
  readonly probationMilliseconds: number;
  /** The age at which a filter is built again. */
  readonly foldMilliseconds: number;
  /** The age at which a filter is no longer believed. */
  readonly filterMilliseconds: number;
  /** How long an unfinished build is left to the isolate that wrote it last. */
  readonly leaseMilliseconds: number;
  /** Pages of the bucket in one step of a build. */
  readonly pagesInStep: number;
  /** Pages of the folder in one look. */
  readonly pagesInLook: number;
  /** The number of markers at which a filter is built again sooner. */
  readonly manyMarkers: number;
  /** Objects that one step removes. */
  readonly sweptInStep: number;
  /** The sizes of filters, in hashes. A cache with more paths than the last one has no filter. */
  readonly capacities: readonly number[];
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export const ABSENCE_RULES: AbsenceRules = {
  believedMilliseconds: 10 * SECOND,
  refreshMilliseconds: 5 * SECOND,
  stepMilliseconds: SECOND,
  idleMilliseconds: 30 * SECOND,
  markMilliseconds: MINUTE,
  // A minute for the marker, and another for the PUT (SINGLE_WRITE in src/http/retry.ts).
  // The rest is room for a PUT that the bucket finishes after the gateway gave it up.
  graceMilliseconds: 10 * MINUTE,
  // S3 refuses requests of a clock that is wrong by more than 15 minutes
  // (RequestTimeTooSkewed). So by a wrong clock, too, this is longer than a look takes.
  settleMilliseconds: 20 * MINUTE,
  // Longer than a request of an earlier deployment can go on.
  probationMilliseconds: 10 * MINUTE,
  foldMilliseconds: 30 * MINUTE,
  filterMilliseconds: 120 * MINUTE,
  leaseMilliseconds: 20 * SECOND,
  // To read a page takes some 0.9 ms of CPU, and the free plan of Workers allows 10 ms.
  pagesInStep: 10,
  pagesInLook: 5,
  manyMarkers: 500,
  // With a step of a build and two looks, less than the free plan's 50 subrequests.
  sweptInStep: 20,
  // The largest filter takes 1.5 MiB, in each isolate and, twice more, while it is built.
  capacities: [2 ** 16, 2 ** 18, 2 ** 20],
};
