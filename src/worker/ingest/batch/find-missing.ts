import { narinfoKey } from "../../../nix/object-key.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import type { Bucket, ListPage } from "../../bucket/bucket.ts";

/**
 * After this number of pages in a row that each answered for one hash, the gateway sends
 * a HEAD for each hash instead. Hashes are random, so later pages would be as poor; but
 * one page may be poor because it fell among the NARs, which lie between the narinfos.
 */
const POOR_PAGES = 2;

/** The result of one look: each hash is in at most one of the lists, or its narinfo exists. */
export interface Missing {
  readonly missing: readonly StorePathHash[];
  /** The hashes that the budget did not suffice for. */
  readonly rest: readonly StorePathHash[];
}

/** Workers wait for the headers of six answers at once; a seventh request queues. */
const REQUESTS_AT_ONCE = 6;

/**
 * Finds out which narinfos the bucket does not have. Never sends more requests than
 * there are hashes, nor many more than the bucket has pages of 1,000 objects: a page
 * answers for every hash up to its last path, and the next page begins at the next
 * hash. `mayAsk` returns whether the budget allows one more request.
 */
export async function findMissing(
  hashes: Iterable<StorePathHash>,
  bucket: Pick<Bucket, "head" | "list">,
  mayAsk: () => boolean,
): Promise<Missing> {
  // Hashes are ASCII, so the order of texts is the order of bytes.
  const sorted = [...new Set(hashes)].toSorted((left, right) => (left < right ? -1 : 1));
  const length = Math.ceil(sorted.length / REQUESTS_AT_ONCE);
  const segments = Array.from({ length: REQUESTS_AT_ONCE }, (_, index) =>
    sorted.slice(index * length, (index + 1) * length),
  );
  const found = await Promise.all(segments.map((segment) => scan(segment, bucket, mayAsk)));
  return {
    missing: found.flatMap(({ missing }) => missing),
    rest: found.flatMap(({ rest }) => rest),
  };
}

/** Looks for sorted hashes, one request after another. */
async function scan(
  hashes: readonly StorePathHash[],
  bucket: Pick<Bucket, "head" | "list">,
  mayAsk: () => boolean,
): Promise<Missing> {
  const missing: StorePathHash[] = [];
  let poorPages = 0;
  for (let next = 0; next < hashes.length;) {
    const hash = hashes[next] as StorePathHash;
    if (!mayAsk()) return { missing, rest: hashes.slice(next) };
    // One hash takes one request either way, and a HEAD costs less.
    if (poorPages >= POOR_PAGES || next === hashes.length - 1) {
      const stored = await bucket.head(narinfoKey(hash).path);
      if (isAbsent(stored)) missing.push(hash);
      next++;
      continue;
    }
    const page = readPage(await bucket.list("", { after: hash }), hash);
    const start = next;
    while (next < hashes.length && page.answersFor(hashes[next] as StorePathHash)) {
      const wanted = hashes[next++] as StorePathHash;
      if (!page.has(wanted)) missing.push(wanted);
    }
    const answered = next - start;
    poorPages = answered > 1 ? 0 : answered === 1 ? poorPages + 1 : POOR_PAGES;
  }
  return { missing, rest: [] };
}

interface NarinfoPage {
  /** Whether the page proves that the narinfo exists, or that it does not exist (law 5). */
  answersFor(hash: StorePathHash): boolean;
  has(hash: StorePathHash): boolean;
}

/**
 * Reads a page of the paths behind `after`. A page that is not in order proves nothing,
 * nor does a page that begins before `after`: some servers sort in another way, or
 * ignore where the page should begin.
 */
function readPage({ objects, isLast }: ListPage, after: string): NarinfoPage {
  const proves = objects.every(({ path }, index) => path > (objects[index - 1]?.path ?? after));
  const last = objects.at(-1)?.path ?? "";
  const stored = new Set(objects.flatMap((object) => (isAbsent(object) ? [] : [object.path])));
  return {
    answersFor: (hash) => proves && (isLast || narinfoKey(hash).path <= last),
    has: (hash) => stored.has(narinfoKey(hash).path),
  };
}

/** Whether a narinfo does not exist. An empty file, which a cut copy leaves, is no narinfo. */
function isAbsent(stored: { readonly sizeBytes: number | undefined } | undefined): boolean {
  return stored === undefined || stored.sizeBytes === 0;
}
