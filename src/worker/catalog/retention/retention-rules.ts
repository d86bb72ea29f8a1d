const MINUTE = 60 * 1000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * The times on which the safety of a collection rests, in milliseconds. Each must be
 * longer than something that this code does not control. `retention-world.test.ts` shows
 * for each of them that data is lost without it.
 */
export interface RetentionRules {
  /** One attempt of a request takes no longer, and is then given up (`SINGLE_WRITE` in `http/retry.ts`). */
  readonly attemptMilliseconds: number;
  /** A request that was given up may still act for this time, and not later. */
  readonly holdMilliseconds: number;
  /** A PUT of a narinfo leaves within this time after its intent, or asks again. */
  readonly intentMilliseconds: number;
  /**
   * When the bucket is asked what became of an intent: its PUT leaves up to
   * `intentMilliseconds` later, is given up `attemptMilliseconds` after that, and may act up to
   * `holdMilliseconds` after that.
   */
  readonly resolveMilliseconds: number;
  /** The time from the condemnation of a path to the deletion of its narinfo. */
  readonly pathGraceMilliseconds: number;
  /** The time from the last narinfo that named a NAR to the deletion of the NAR. */
  readonly narGraceMilliseconds: number;
  /** How long a removed path is remembered, and a narinfo that refers to it refused. */
  readonly tombstoneMilliseconds: number;
  /** How long a NAR is kept for a push that has looked at it or is about to store it. */
  readonly leaseMilliseconds: number;
  /** A listing proves what the bucket holds for this time. */
  readonly listingMilliseconds: number;
  /** After the setting COLLECT was changed, pushes of the former version may still run. */
  readonly settleMilliseconds: number;
}

/** Nix believes for 30 days that a narinfo exists (`narinfo-cache-positive-ttl`). */
const CLIENT_MEMORY = 30 * DAY;

/**
 * An edge gives a narinfo out for an hour, and for 24 hours more while the bucket fails
 * (`metadata` in `http/cache-control.ts`). The rest is for clocks and for a slow bucket. If
 * those headers allow more time, this must be longer: a test compares them.
 */
export const EDGE_MEMORY_MILLISECONDS = 26 * HOUR;

export const RETENTION_RULES: RetentionRules = {
  attemptMilliseconds: MINUTE,
  holdMilliseconds: 10 * MINUTE,
  intentMilliseconds: 5 * MINUTE,
  resolveMilliseconds: 5 * MINUTE + MINUTE + 10 * MINUTE,
  pathGraceMilliseconds: 3 * DAY,
  narGraceMilliseconds: CLIENT_MEMORY,
  tombstoneMilliseconds: CLIENT_MEMORY + EDGE_MEMORY_MILLISECONDS,
  leaseMilliseconds: DAY,
  listingMilliseconds: 26 * HOUR,
  settleMilliseconds: HOUR,
};
