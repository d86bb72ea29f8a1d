import type { ListedObject } from "../../bucket/bucket.ts";
import { parseIncomingPath } from "../../bucket/incoming-path.ts";
import type { Push } from "../push-context.ts";
import { detailOf } from "../../log.ts";

const HOUR_MILLISECONDS = 3_600_000;
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS;

const ABANDONED_MILLISECONDS = 7 * DAY_MILLISECONDS;

// The client that takes it up gets a handle for a day, and may use it until its end.
const TAKEN_UP_MILLISECONDS = ABANDONED_MILLISECONDS - 2 * DAY_MILLISECONDS;

/** Whether an upload that was completed and not proved is new enough to continue: no sweep removes it meanwhile. */
export function canBeTakenUp(object: ListedObject, now: Date): boolean {
  return ageOf(object, now) <= TAKEN_UP_MILLISECONDS;
}

/**
 * Removes uploads that were completed and never proved, because their clients went
 * away for good. A lifecycle rule cannot tell them from NARs. Looks at most once an
 * hour, and only after a client started an upload. Never throws.
 */
export async function sweepIncoming(push: Push, now: Date): Promise<void> {
  const { bucket, cache, memory, log } = push;
  const sweptAt = memory.incomingSweptAt.get(cache.bucketId) ?? -Infinity;
  if (now.getTime() - sweptAt < HOUR_MILLISECONDS) return;
  memory.incomingSweptAt.set(cache.bucketId, now.getTime());
  try {
    const { objects } = await bucket.list(".incoming/");
    for (const object of objects) {
      const incoming = parseIncomingPath(object.path);
      const isAbandoned = ageOf(object, now) > ABANDONED_MILLISECONDS;
      if (incoming.ok && isAbandoned) await bucket.delete(incoming.value);
    }
  } catch (error) {
    const detail = detailOf(error);
    log("warn", "incoming-not-removed", { path: ".incoming/", detail });
  }
}

/** Returns the age in milliseconds. An object without a date counts as new. */
function ageOf({ lastModified }: ListedObject, now: Date): number {
  return lastModified === undefined ? 0 : now.getTime() - lastModified.getTime();
}
