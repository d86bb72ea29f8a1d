import type { StorePathHash } from "../../nix/store-path.ts";
import { describeError } from "../client-error.ts";
import { type HttpBody, readBody } from "../gateway/http-client.ts";
import type { PackedNar } from "./pack-nar.ts";
import type { PushSession } from "./push-session.ts";

/** Bytes. Thousands of paths may wait for their references, each with its listing. */
const SMALL_LISTING_BYTES = 4096;

/** A listing that is sent, or that goes with the narinfo. */
export interface SentListing {
  /** The listing, if it is to go with the narinfo. */
  readonly text?: string;
  /** The reason why the listing is not in the cache. */
  readonly problem?: string | undefined;
}

/**
 * Sends the listing of a NAR, or keeps a small one for the batch that publishes the
 * narinfo. Never fails: a path without its listing is as good.
 */
export async function sendListing(
  hash: StorePathHash,
  listing: PackedNar["listing"],
  session: Pick<PushSession, "client" | "batches">,
): Promise<SentListing> {
  if (listing === undefined) return {};
  if (!listing.ok) return { problem: listing.error };
  const spool = listing.value;
  const body = spool.slice(0, spool.sizeBytes);
  const isSmall = session.batches !== undefined && spool.sizeBytes <= SMALL_LISTING_BYTES;
  return isSmall
    ? { text: (await readBody(body)).toString() }
    : { problem: await putListing(hash, body, session) };
}

/** Never fails. Resolves with the reason if the listing is not in the cache then. */
export async function putListing(
  hash: StorePathHash,
  body: HttpBody,
  { client }: Pick<PushSession, "client">,
): Promise<string | undefined> {
  try {
    await client.put(`${hash}.ls`, "application/json", body);
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}
