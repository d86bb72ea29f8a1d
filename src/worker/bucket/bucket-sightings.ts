/**
 * When the bucket was last seen to exist. A 404 to HEAD has no body, so it may also
 * mean that there is no such bucket.
 */
export interface BucketSightings {
  isRecent(): boolean;
  note(): void;
}

// Long enough that a listing is rare, short enough that nobody pushes into a bucket
// that was deleted.
const SIGHTING_MILLISECONDS = 60_000;

export function createBucketSightings(now: () => Date): BucketSightings {
  let seenAt = -Infinity;
  return {
    isRecent: () => now().getTime() - seenAt < SIGHTING_MILLISECONDS,
    note() {
      seenAt = now().getTime();
    },
  };
}
