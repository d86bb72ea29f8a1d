import type { StorePathHash } from "../../../nix/store-path.ts";
import type { Bucket } from "../../bucket/bucket.ts";
import { CacheError } from "../../cache-error.ts";

/**
 * Returns no pins if the bucket has none. Throws otherwise: this version of the gateway does
 * not know what a pin keeps, so it may remove nothing.
 */
export async function requireNoPins(
  bucket: Pick<Bucket, "list">,
): Promise<readonly StorePathHash[]> {
  const { objects } = await bucket.list(".nargate/pins/", { limit: 1 });
  if (objects.length === 0) return [];
  throw new CacheError("internal", "a pin cannot be read, so nothing is collected");
}
