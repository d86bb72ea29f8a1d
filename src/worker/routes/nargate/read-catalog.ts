import type {
  CatalogStats,
  ClosureTotals,
  DependentsEnd,
  KnownPath,
  PathPage,
} from "../../../api/catalog-answers.ts";
import { MAX_CLOSURE_PATHS, MAX_DEPENDENTS, PAGE_CURSOR } from "../../../api/catalog-limits.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders } from "../../../http/response-headers.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { CacheError } from "../../cache-error.ts";
import { admitScope } from "../admit.ts";
import { askCatalog } from "../ask-catalog.ts";
import type { Exchange } from "../exchange.ts";
import { answerJson } from "./api-request.ts";
import { judgeSignatures } from "./judge-signatures.ts";
import {
  malformedQuery,
  readHashInPath,
  readLimit,
  readQuery,
  readSearchedName,
} from "./query-text.ts";

/*
 * All of these need the scope push. In a public cache anyone may read a path whose hash they
 * know; but nobody could ask for the names of all paths, and some are secret.
 */

/** GET `/api/v1/paths`: a page of all paths of the cache. */
export async function listCatalogPaths(exchange: Exchange): Promise<Response> {
  await admitScope(exchange, "push");
  const query = readQuery(exchange, ["order", "after", "limit"]);
  const order = query.get("order") ?? "hash";
  if (order !== "hash" && order !== "name") throw malformedQuery("order is neither hash nor name");
  const after = readAfter(query, order === "name" ? PAGE_CURSOR : HASH_START);
  const limit = readLimit(query);
  return answerJson<PathPage>(
    await askCatalog(exchange, (catalog) => catalog.listPaths({ order, after, limit })),
  );
}

const HASH_START = /^[0-9a-df-np-sv-z]{1,32}$/;

function readAfter(query: ReadonlyMap<string, string>, form: RegExp): string | undefined {
  const after = query.get("after");
  if (after === undefined || form.test(after)) return after;
  throw malformedQuery("after is of no earlier page");
}

/** GET `/api/v1/search`: a page of the paths whose names contain a text. */
export async function searchCatalog(exchange: Exchange): Promise<Response> {
  await admitScope(exchange, "push");
  const query = readQuery(exchange, ["name", "after", "limit"]);
  const name = readSearchedName(query);
  const after = readAfter(query, PAGE_CURSOR);
  const limit = readLimit(query);
  return answerJson<PathPage>(
    await askCatalog(exchange, (catalog) => catalog.searchPaths({ name, after, limit })),
  );
}

/** GET `/api/v1/paths/<hash>`: what is known of one path. */
export async function readCatalogPath(exchange: Exchange): Promise<Response> {
  await admitScope(exchange, "push");
  const hash = readHashInPath(exchange);
  const found = await askCatalog(exchange, (catalog) => catalog.readPath(hash));
  if (found === undefined) throw await unknownPath(hash, exchange);
  const signatures = await judgeSignatures(found, exchange);
  return answerJson<KnownPath>({ ...found, signatures });
}

/** Returns the failure for a path that the catalog does not know: it may still be learning. */
async function unknownPath(hash: StorePathHash, exchange: Exchange): Promise<CacheError> {
  const { completeAt } = await askCatalog(exchange, (catalog) => catalog.readStatus());
  return completeAt === undefined
    ? new CacheError("catalog-incomplete", hash)
    : new CacheError("path-not-in-catalog", hash);
}

/**
 * GET `/api/v1/paths/<hash>/closure`: a line for each path of the closure, and the sums.
 * With `paths=false` only the sums.
 */
export async function readCatalogClosure(exchange: Exchange): Promise<Response> {
  await admitScope(exchange, "push");
  const hash = readHashInPath(exchange);
  const withPaths = readQuery(exchange, ["paths"]).get("paths") !== "false";
  const found = await askCatalog(exchange, (catalog) =>
    catalog.readClosure({ hash, limit: MAX_CLOSURE_PATHS, withPaths }),
  );
  if (found === undefined) throw await unknownPath(hash, exchange);
  const { paths, totals } = found;
  const last: ClosureTotals = { totals };
  return answerLines([...paths, last]);
}

/**
 * GET `/api/v1/paths/<hash>/dependents`: a line for each path that needs this one, referrers
 * first and the path itself last, and then the sums.
 */
export async function readCatalogDependents(exchange: Exchange): Promise<Response> {
  await admitScope(exchange, "push");
  const hash = readHashInPath(exchange);
  readQuery(exchange, []);
  const found = await askCatalog(exchange, (catalog) =>
    catalog.readDependents({ hash, limit: MAX_DEPENDENTS }),
  );
  if (found === undefined) throw await unknownPath(hash, exchange);
  const { paths, complete, listedFrom, more } = found;
  const last: DependentsEnd = { dependents: { complete, listedFrom, paths: paths.length, more } };
  return answerLines([...paths, last]);
}

function answerLines(lines: readonly object[]): Response {
  return new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(""), {
    headers: answerHeaders("application/x-ndjson", CACHE_CONTROL.never),
  });
}

/** GET `/api/v1/stats`: numbers about the whole cache. */
export async function readCatalogStats(exchange: Exchange): Promise<Response> {
  await admitScope(exchange, "push");
  readQuery(exchange, []);
  return answerJson<CatalogStats>(await askCatalog(exchange, (catalog) => catalog.readStats()));
}
