import type { NarKey } from "../../../nix/object-key.ts";
import type { Bucket } from "../../bucket/bucket.ts";
import type { Push } from "../push-context.ts";
import { setNewest } from "../set-newest.ts";

// Long enough for most narinfos to follow their NAR, and short enough that an object
// which an operator removes from the bucket is soon missed.
const REMEMBERED_MILLISECONDS = 60_000;

/** 4,096 names and sizes take about a megabyte (law 7). */
const MAX_REMEMBERED = 4096;

type Remembering = Pick<Push, "cache" | "clock" | "memory">;

/** Notes that a NAR is durable and proved. */
export function noteStoredNar({ path }: NarKey, sizeBytes: number, push: Remembering): void {
  const stored = { sizeBytes, at: push.clock.now().getTime() };
  setNewest(push.memory.storedNars, nameOf(path, push), stored, MAX_REMEMBERED);
}

/** Forgets a NAR that is about to be deleted. */
export function forgetStoredNar(path: string, push: Pick<Push, "cache" | "memory">): void {
  push.memory.storedNars.delete(nameOf(path, push));
}

/**
 * Returns the bucket of a push, which answers for the NARs that this isolate has just
 * stored without a request. A batch publishes hundreds of narinfos right after their NARs.
 */
export function withStoredNars(push: Remembering & Pick<Push, "bucket">): Bucket {
  const { bucket, memory, clock } = push;
  return {
    ...bucket,
    async head(path) {
      const known = memory.storedNars.get(nameOf(path, push));
      const isRecent =
        known !== undefined && clock.now().getTime() - known.at < REMEMBERED_MILLISECONDS;
      if (!isRecent) return await bucket.head(path);
      const { sizeBytes } = known;
      return { sizeBytes, etag: undefined, lastModified: undefined, contentEncoding: undefined };
    },
  };
}

function nameOf(path: string, { cache }: Pick<Push, "cache">): string {
  return `${cache.bucketId} ${path}`;
}
