import type { StorePathHash } from "../../nix/store-path.ts";
import type { CatalogPort, PublishedText } from "../catalog/catalog.ts";
import { detailOf, type Log } from "../log.ts";

/** Tells the catalog of what one request has published. */
export interface PublicationRecorder {
  /** Notes a narinfo that is durable. */
  published(hash: StorePathHash, text: string): void;
  /** Notes how long the build of a path took, before the path is published. */
  built(hash: StorePathHash, seconds: number): void;
  /**
   * Sends the notes. Never throws: what is lost, the catalog finds with its next listing.
   * Runs beside the answer.
   */
  flush(): Promise<void>;
}

/** Who publishes. */
export interface Publisher {
  readonly name: string;
  /** Claims of an OIDC token. */
  readonly claims?: Readonly<Record<string, string>> | undefined;
}

/** For a cache without a catalog. */
export const NO_RECORDER: PublicationRecorder = {
  published() {},
  built() {},
  async flush() {},
};

/** A pusher may say anything. A longer build is a clock that was set. */
const MAX_BUILD_SECONDS = 30 * 24 * 3600;

export function createPublicationRecorder(
  { name: by, claims }: Publisher,
  catalog: Pick<CatalogPort, "note">,
  log: Log,
): PublicationRecorder {
  let notes: PublishedText[] = [];
  const buildSeconds = new Map<StorePathHash, number>();
  return {
    published(hash, text) {
      notes.push({ hash, text, buildSeconds: buildSeconds.get(hash) });
    },
    built(hash, seconds) {
      if (seconds <= MAX_BUILD_SECONDS) buildSeconds.set(hash, Math.round(seconds * 10) / 10);
    },
    async flush() {
      const narinfos = notes;
      notes = [];
      if (narinfos.length === 0) return;
      try {
        await catalog.note({ by, claims, narinfos });
      } catch (error) {
        const detail = detailOf(error);
        log("warn", "catalog-not-told", { paths: narinfos.length, by, detail });
      }
    },
  };
}
