import { formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { describeError } from "../client-error.ts";
import type { Progress } from "../progress/progress.ts";
import type { PackedNar } from "./pack-nar.ts";
import type { PushSession } from "./push-session.ts";

/** Sends the listings of packed NARs. */
export interface ListingSender {
  /**
   * Sends the listing of a NAR, if it has one. Never fails: a path without its
   * listing is as good.
   */
  send(path: StorePath, listing: PackedNar["listing"]): Promise<void>;
}

type ListingSession = Pick<PushSession, "client" | "context">;

export function createListingSender(
  { client, context }: ListingSession,
  progress: Progress,
): ListingSender {
  return {
    async send(path, listing) {
      if (listing === undefined) return;
      try {
        if (!listing.ok) throw new Error(listing.error);
        const spool = listing.value;
        const body = spool.slice(0, spool.sizeBytes);
        await client.put(`${path.hash}.ls`, "application/json", body);
      } catch (error) {
        if (context.signal.aborted) return;
        const name = formatStorePathBaseName(path);
        progress.say(`warning: the listing of ${name} is not sent: ${describeError(error)}`);
      }
    },
  };
}
