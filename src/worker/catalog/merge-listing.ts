import { parseObjectPath } from "../../nix/object-key.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import type { ListedObject } from "../bucket/bucket.ts";
import type { ListingContext } from "./catalog-context.ts";
import { forgetPaths } from "./forget-paths.ts";
import { PATH_STATES } from "./schema.ts";
import type { Sql } from "./sql.ts";

/** A part of a listing: all objects behind `after`, up to and with `upTo`. */
export interface ListedSegment {
  readonly after: string;
  /** `undefined` on the last page: no object follows. */
  readonly upTo: string | undefined;
  readonly objects: readonly ListedObject[];
  /** When the page was asked for, in milliseconds by the clock of the object. */
  readonly askedAt: number;
}

/** A narinfo whose text the catalog does not know. */
export interface UnreadNarinfo {
  readonly hash: StorePathHash;
  readonly version: string;
  readonly sizeBytes: number;
  /** When it was written, in milliseconds, if the bucket says so. */
  readonly writtenAt: number | undefined;
}

export type MergeContext = Pick<ListingContext, "sql" | "goneUntil" | "isStrict" | "foundForeign">;

/**
 * Compares a part of a listing with the catalog. Takes out the paths whose narinfos are
 * gone, and returns the narinfos that are new or have changed, in the order of the keys.
 */
export function mergeNarinfos(
  { sql, goneUntil, isStrict, foundForeign }: MergeContext,
  segment: ListedSegment,
): readonly UnreadNarinfo[] {
  const listed = new Map<StorePathHash, UnreadNarinfo>();
  for (const object of segment.objects) {
    const key = parseObjectPath(object.path);
    if (!key.ok || key.value.kind !== "narinfo") continue;
    listed.set(key.value.hash, {
      hash: key.value.hash,
      version: listedVersion(object),
      sizeBytes: object.sizeBytes,
      writtenAt: object.lastModified?.getTime(),
    });
  }
  const known = readKnown(sql, segment);
  const gone = known.filter(
    ({ hash, state, noted_at }) =>
      state === PATH_STATES.present && !listed.has(hash) && (noted_at ?? 0) < segment.askedAt,
  );
  const unread = new Map(listed);
  for (const { hash, version, text_size, state, problem } of known) {
    const found = listed.get(hash);
    if (found === undefined || state !== PATH_STATES.present) continue;
    // A push told of this path since the last listing, and its text has this length: it
    // is that text. The gateway tells of every text that it writes.
    const isNoted = !isStrict && problem === null && version === null;
    const isAsNoted = isNoted && text_size === found.sizeBytes;
    if (isAsNoted) sql.all("UPDATE path SET version = ? WHERE hash = ?", found.version, hash);
    if (isAsNoted || version === found.version) unread.delete(hash);
  }
  forgetPaths(
    sql,
    gone.map(({ hash }) => hash),
    { goneUntil },
  );
  const announced = new Set(known.map(({ hash }) => hash));
  if ([...unread.keys()].some((hash) => !announced.has(hash))) foundForeign();
  return [...unread.values()];
}

interface KnownPath extends Record<string, string | number | null> {
  readonly hash: StorePathHash;
  readonly state: number;
  readonly version: string | null;
  readonly text_size: number | null;
  readonly noted_at: number | null;
  readonly problem: string | null;
}

function readKnown(sql: Sql, { after, upTo }: ListedSegment): readonly KnownPath[] {
  // The first two conditions use the index. "~" is behind every narinfo.
  const end = upTo ?? "~";
  return sql.all<KnownPath>(
    `SELECT hash, state, version, text_size, noted_at, problem FROM path
     WHERE hash >= ?1 AND hash <= ?2 AND hash || '.narinfo' > ?3 AND hash || '.narinfo' <= ?4
       AND state <> ${PATH_STATES.named}`,
    after.slice(0, HASH_LENGTH),
    end.slice(0, HASH_LENGTH),
    after,
    end,
  );
}

const HASH_LENGTH = 32;

/** Returns a text that another version of the object does not have. */
function listedVersion({ etag, sizeBytes, lastModified }: ListedObject): string {
  // Without entity tags, a change within a second that keeps the length is not seen.
  return etag ?? `${sizeBytes} ${lastModified?.getTime() ?? 0}`;
}
