import type { ListedObject } from "../../bucket/bucket.ts";
import { parseIncomingPath } from "../../bucket/incoming-path.ts";
import type { Push } from "../push.ts";

const HOUR_MILLISECONDS = 3_600_000;
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS;

const ABANDONED_MILLISECONDS = 7 * DAY_MILLISECONDS;

// Whoever takes it up has a handle for a day, and what is begun with that may go on.
const TAKEN_UP_MILLISECONDS = ABANDONED_MILLISECONDS - 2 * DAY_MILLISECONDS;

/** Whether what was completed and not proved is new enough to go on with: no sweep takes it away meanwhile. */
export function canBeTakenUp(object: ListedObject, now: Date): boolean {
  return ageOf(object, now) <= TAKEN_UP_MILLISECONDS;
}

/**
 * Removes what was completed and never proved, since whoever did so went away
 * for good: no lifecycle rule tells it from a NAR. Looks once an hour at most,
 * and only when somebody uploads anyway. Never throws.
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
    const detail = error instanceof Error ? error.message : String(error);
    log("warn", "incoming-not-removed", { path: ".incoming/", detail });
  }
}

/** In milliseconds; one of unknown age is new. */
function ageOf({ lastModified }: ListedObject, now: Date): number {
  return lastModified === undefined ? 0 : now.getTime() - lastModified.getTime();
}
