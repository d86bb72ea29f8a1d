import type { StorePathHash } from "../../nix/store-path.ts";
import type { CatalogPort, PublishedText } from "../catalog/catalog.ts";
import type { Log } from "../log.ts";

/** Tells the catalog of what one request has published. */
export interface PublicationRecorder {
  /** Notes a narinfo that is durable. */
  published(hash: StorePathHash, text: string): void;
  /**
   * Sends the notes. Never throws: what is lost, the catalog finds with its next listing.
   * Runs beside the answer.
   */
  flush(): Promise<void>;
}

/** For a cache without a catalog. */
export const NO_RECORDER: PublicationRecorder = { published() {}, async flush() {} };

export function createPublicationRecorder(
  by: string,
  catalog: Pick<CatalogPort, "note">,
  log: Log,
): PublicationRecorder {
  let notes: PublishedText[] = [];
  return {
    published(hash, text) {
      notes.push({ hash, text });
    },
    async flush() {
      const narinfos = notes;
      notes = [];
      if (narinfos.length === 0) return;
      try {
        await catalog.note({ by, narinfos });
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        log("warn", "catalog-not-told", { paths: narinfos.length, by, detail });
      }
    },
  };
}
