import type { StorePathHash } from "../../nix/store-path.ts";
import { describeError } from "../client-error.ts";
import type { PackedNar } from "./pack-nar.ts";
import type { PushSession } from "./push-session.ts";

/**
 * Sends the listing of a NAR, if it has one. Never fails: a path without its listing
 * is as good. Resolves with the reason if the listing is not in the cache then.
 */
export async function sendListing(
  hash: StorePathHash,
  listing: PackedNar["listing"],
  { client }: Pick<PushSession, "client">,
): Promise<string | undefined> {
  if (listing === undefined) return undefined;
  if (!listing.ok) return listing.error;
  const spool = listing.value;
  try {
    await client.put(`${hash}.ls`, "application/json", spool.slice(0, spool.sizeBytes));
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}
