import type { StorePathHash } from "../../nix/store-path.ts";
import { createMarkerPath, MAX_MARKED } from "./absence-folder.ts";
import { type AbsenceContext, STORED_AS } from "./absence-context.ts";
import { type HashPrefix, prefixOf } from "./hash-filter.ts";
import type { KnownAbsences } from "./known-absences.ts";

/** Tells all isolates of the paths that one request publishes. */
export interface PublicationMarks {
  /**
   * Writes a marker for the paths that have none of this request, or only an old one.
   * Resolves once it is durable: the PUT of a narinfo must come after it. Throws the
   * failures of the bucket.
   */
  mark(hashes: readonly StorePathHash[]): Promise<void>;
}

/** For a cache that answers no absence by itself. */
export const NO_MARKS: PublicationMarks = { async mark() {} };

export function createPublicationMarks(
  { bucket, rules, now }: Pick<AbsenceContext, "bucket" | "rules" | "now">,
  absences: Pick<KnownAbsences, "notePublished">,
): PublicationMarks {
  const marked = new Map<HashPrefix, { readonly since: number; readonly end: Promise<void> }>();

  async function write(prefixes: readonly HashPrefix[]): Promise<void> {
    absences.notePublished(prefixes);
    await bucket.put(createMarkerPath(prefixes), new Uint8Array(), STORED_AS);
  }

  return {
    async mark(hashes) {
      const prefixes = [...new Set(hashes.map(prefixOf))];
      const since = now();
      const due = prefixes.filter((prefix) => {
        const known = marked.get(prefix);
        return known === undefined || since - known.since >= rules.markMilliseconds;
      });
      for (let index = 0; index < due.length; index += MAX_MARKED) {
        const some = due.slice(index, index + MAX_MARKED);
        const end = write(some);
        for (const prefix of some) marked.set(prefix, { since, end });
        // A path whose marker failed is marked again.
        end.catch(() => {
          for (const prefix of some) marked.delete(prefix);
        });
      }
      await Promise.all(prefixes.map(async (prefix) => await marked.get(prefix)?.end));
    },
  };
}
