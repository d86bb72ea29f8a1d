import { MAX_PAGE_PATHS, MAX_SEARCH_LENGTH } from "../../../api/catalog-limits.ts";
import { parseStorePathHash, type StorePathHash } from "../../../nix/store-path.ts";
import { CacheError } from "../../cache-error.ts";
import { type Exchange, rawPath } from "../exchange.ts";

/** Throws `query-malformed` with a text of ours: a client's value could hold anything. */
export function malformedQuery(problem: string): CacheError {
  return new CacheError("query-malformed", problem, { subject: `(${problem}).` });
}

/** Returns the parameters of a request's query. Throws `query-malformed` for a name that is not in the list. */
export function readQuery(
  { request }: Pick<Exchange, "request">,
  names: readonly string[],
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of new URL(request.url).searchParams) {
    if (!names.includes(name)) throw malformedQuery(`it may have ${names.join(", ")} alone`);
    found.set(name, value);
  }
  return found;
}

/** Returns the parameter `limit`: how many paths a page has. */
export function readLimit(query: ReadonlyMap<string, string>): number {
  const text = query.get("limit") ?? String(MAX_PAGE_PATHS);
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_PAGE_PATHS) return limit;
  throw malformedQuery(`limit is not a number from 1 to ${MAX_PAGE_PATHS}`);
}

/** Returns the parameter `name`: the part of a name to search for. */
export function readSearchedName(query: ReadonlyMap<string, string>): string {
  const name = query.get("name") ?? "";
  if (name === "") throw malformedQuery("name is missing");
  if (name.length > MAX_SEARCH_LENGTH) throw malformedQuery("name is too long");
  if (/^[0-9A-Za-z+\-._?=]+$/.test(name)) return name;
  throw malformedQuery("name has a character that no store path has");
}

/** Returns the hash in `/api/v1/paths/<hash>` or a path below. */
export function readHashInPath({ request }: Pick<Exchange, "request">): StorePathHash {
  const hash = parseStorePathHash(rawPath(request.url).split("/")[4] ?? "");
  if (hash.ok) return hash.value;
  throw malformedQuery("the path names no hash of 32 characters");
}
