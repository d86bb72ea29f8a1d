import { keptHashes } from "../../api/pins.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import type { Bucket } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import { readAllPins } from "./read-pins.ts";

/** A page has 1,000 revisions. The free plan allows 50 subrequests in one step of the catalog. */
const MAX_PAGES = 30;

/**
 * Returns the paths that pins keep at this time. Throws if one pin cannot be read: a program
 * that deletes must then delete nothing.
 */
export async function readKeptPaths(
  bucket: Pick<Bucket, "list">,
  now: Date,
): Promise<readonly StorePathHash[]> {
  const pins = await readAllPins(bucket, MAX_PAGES);
  if (!pins.ok) throw new CacheError("pins-unknown", pins.error.says);
  return [...keptHashes(pins.value, now)];
}
