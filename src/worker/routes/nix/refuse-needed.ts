import { namesOfKeepers } from "../../../api/pins.ts";
import type { NarinfoKey, NarKey } from "../../../nix/object-key.ts";
import type { Bucket } from "../../bucket/bucket.ts";
import { CacheError } from "../../cache-error.ts";
import { readAllPins } from "../../pins/read-pins.ts";
import { askCatalog } from "../ask-catalog.ts";
import type { Exchange } from "../exchange.ts";

/** A page has 1,000 revisions. */
const MAX_PIN_PAGES = 5;
/** So many names fit into one line of a terminal. */
const SHOWN = 3;

/**
 * Throws `path-pinned` if a pin keeps the path, and `path-needed` if other paths of the
 * cache refer to it, as far as the catalog knows. Without a catalog it looks at the pins
 * alone. With COLLECT=on the deletion has then begun in the catalog: returns what
 * `endDeletion` needs.
 */
export async function refuseNeededPath(
  { hash, path }: NarinfoKey,
  bucket: Pick<Bucket, "list">,
  exchange: Exchange,
): Promise<number | undefined> {
  const pins = await readAllPins(bucket, MAX_PIN_PAGES);
  if (!pins.ok) throw new CacheError("pins-unknown", pins.error.says);
  const keepers = namesOfKeepers(pins.value, new Set([hash]), exchange.gateway.clock.now());
  if (keepers.length > 0) {
    throw new CacheError("path-pinned", path, { subject: `${some(keepers)}.` });
  }
  const { isOn, retention } = exchange.cache.catalog;
  if (!isOn) return undefined;
  const { referrers, heldUntil } = await askCatalog(exchange, async (catalog) =>
    retention.isCollecting
      ? await catalog.beginDeletion(hash)
      : { referrers: await catalog.findReferrers(hash), heldUntil: undefined },
  );
  if (referrers.length === 0) return heldUntil;
  throw new CacheError("path-needed", path, { subject: `${some(referrers)}.` });
}

/** Throws `nar-may-be-named` unless the catalog knows that no path names the NAR. */
export async function refuseNamedNar({ path }: NarKey, exchange: Exchange): Promise<void> {
  if (!exchange.cache.catalog.isOn) throw new CacheError("nar-may-be-named", path);
  const { complete, hasUnreadable, paths } = await askCatalog(exchange, (catalog) =>
    catalog.findNarUsers(path),
  );
  if (complete && !hasUnreadable && paths.length === 0) return;
  throw new CacheError("nar-may-be-named", `${path}: ${paths.join(", ")}`);
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).join(", ");
  return names.length > SHOWN ? `${shown} and others` : shown;
}
