import type { SmallObject } from "../../src/worker/bucket/bucket.ts";

/** Returns what `Bucket.read` gave, where a test takes for granted that it could be read. */
export function readable(stored: SmallObject | "too-large" | undefined): SmallObject | undefined {
  if (stored === "too-large") throw new Error("the object is too large to be read");
  return stored;
}
