import type { CatalogStats, PathPage } from "../../../api/catalog-answers.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import type { NarUsers } from "./find-nar-users.ts";
import type { DependentsQuery, KnownDependents } from "./list-dependents.ts";
import type { MissingHashes } from "./find-missing-hashes.ts";
import type { PathQuery } from "./list-paths.ts";
import type { ClosureQuery, KnownClosure } from "./sum-closure.ts";
import type { StoredPath } from "./read-path.ts";
import type { SearchQuery } from "./search-paths.ts";

/** The questions about paths. They change nothing. */
export interface CatalogQueries {
  listPaths(query: PathQuery): Promise<PathPage>;
  searchPaths(query: SearchQuery): Promise<PathPage>;
  /** `undefined` if no path of the cache names it. */
  readPath(hash: StorePathHash): Promise<StoredPath | undefined>;
  /** `undefined` if the catalog does not know the path. */
  readClosure(query: ClosureQuery): Promise<KnownClosure | undefined>;
  /** Returns all paths that need a path. `undefined` as above. */
  readDependents(query: DependentsQuery): Promise<KnownDependents | undefined>;
  /** Returns some paths that refer to a path, or are about to. */
  findReferrers(hash: StorePathHash): Promise<readonly string[]>;
  /** Says which paths name a NAR, such as `nar/<hash>.nar.zst`. */
  findNarUsers(nar: string): Promise<NarUsers>;
  readStats(): Promise<CatalogStats>;
  /** Says which narinfos the bucket does not have, if the catalog knows the whole bucket. */
  findMissing(hashes: readonly StorePathHash[]): Promise<MissingHashes>;
}
