import type { CatalogStatus } from "../catalog.ts";
import type { CatalogContext } from "../catalog-context.ts";
import type { CatalogQueries } from "./catalog-queries.ts";
import { findMissingHashes } from "./find-missing-hashes.ts";
import { findNarUsers } from "./find-nar-users.ts";
import { findReferrers } from "../find-referrers.ts";
import { listDependents } from "./list-dependents.ts";
import { listPaths } from "./list-paths.ts";
import { readPath } from "./read-path.ts";
import { readStats } from "./read-stats.ts";
import { searchPaths } from "./search-paths.ts";
import { sumClosure } from "./sum-closure.ts";

/** Answers the questions about paths from the database. */
export function answerQueries(
  { sql, now }: Pick<CatalogContext, "sql" | "now">,
  readStatus: () => CatalogStatus,
): CatalogQueries {
  return {
    listPaths: async (query) => listPaths(sql, query),
    searchPaths: async (query) => searchPaths(sql, query),
    readPath: async (hash) => readPath(sql, hash),
    readClosure: async (query) => sumClosure(sql, query),
    readDependents: async (query) => listDependents(sql, query),
    findReferrers: async (hash) => findReferrers(sql, hash),
    findNarUsers: async (nar) => findNarUsers(sql, nar),
    readStats: async () => readStats(sql, readStatus()),
    findMissing: async (hashes) => findMissingHashes(sql, hashes, now()),
  };
}
