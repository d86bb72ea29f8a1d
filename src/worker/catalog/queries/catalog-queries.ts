import type { CatalogStats, PathPage } from "../../../api/catalog-answers.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import type { CatalogStatus } from "../catalog.ts";
import type { CatalogContext } from "../catalog-context.ts";
import { noteUsedPaths } from "../note-used.ts";
import { findMissingHashes, type MissingHashes } from "./find-missing-hashes.ts";
import { listPaths, type PathQuery } from "./list-paths.ts";
import { type Closure, type ClosureQuery, readClosure } from "./read-closure.ts";
import { readPath, type StoredPath } from "./read-path.ts";
import { readStats } from "./read-stats.ts";
import { searchPaths, type SearchQuery } from "./search-paths.ts";

/** The questions about paths. They change nothing but `noteUsed`, which notes when a path was used. */
export interface CatalogQueries {
  listPaths(query: PathQuery): Promise<PathPage>;
  searchPaths(query: SearchQuery): Promise<PathPage>;
  /** `undefined` if no path of the cache names it. */
  readPath(hash: StorePathHash): Promise<StoredPath | undefined>;
  /** `undefined` if the catalog does not know the path. */
  readClosure(query: ClosureQuery): Promise<Closure | undefined>;
  readStats(): Promise<CatalogStats>;
  /** Says which narinfos the bucket does not have, if the catalog knows the whole bucket. */
  findMissing(hashes: readonly StorePathHash[]): Promise<MissingHashes>;
  /** Notes that readers have asked the bucket for these narinfos. */
  noteUsed(hashes: readonly StorePathHash[]): Promise<void>;
}

export function createCatalogQueries(
  { sql, now }: Pick<CatalogContext, "sql" | "now">,
  readStatus: () => CatalogStatus,
): CatalogQueries {
  return {
    listPaths: async (query) => listPaths(sql, query),
    searchPaths: async (query) => searchPaths(sql, query),
    readPath: async (hash) => readPath(sql, hash),
    readClosure: async (query) => readClosure(sql, query),
    readStats: async () => readStats(sql, readStatus()),
    findMissing: async (hashes) => findMissingHashes(sql, hashes, now()),
    noteUsed: async (hashes) => noteUsedPaths(sql, hashes, now()),
  };
}
