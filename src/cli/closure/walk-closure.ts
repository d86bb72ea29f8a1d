import type { Narinfo } from "../../nix/narinfo.ts";
import { formatStorePath, type StorePathHash } from "../../nix/store-path.ts";
import { type PathArgument, pathArgument } from "./path-argument.ts";

/** One path that was asked for, and what the cache has of it. */
export interface ClosureEntry {
  readonly hash: StorePathHash;
  /** The whole path; the hash where nothing else is known. */
  readonly text: string;
  /** Undefined where the cache does not have it. */
  readonly narinfo: Narinfo | undefined;
  /** The paths that refer to it, of those that were looked at. */
  readonly neededBy: readonly string[];
}

export interface ClosureOptions {
  readonly storeDir: string;
  /** Whether to go on to what the paths refer to, and so on. */
  readonly isWhole: boolean;
  readonly readNarinfo: (hash: StorePathHash) => Promise<Narinfo | undefined>;
}

/** As many as a browser opens, and more than a terminal waits for. */
const REQUESTS_AT_ONCE = 16;

/** Asks the cache itself what the paths refer to: no store is needed here. Breadth first, each path once. */
export async function walkClosure(
  roots: readonly PathArgument[],
  { storeDir, isWhole, readNarinfo }: ClosureOptions,
): Promise<readonly ClosureEntry[]> {
  const found = new Map<StorePathHash, ClosureEntry & { neededBy: string[] }>();
  let level: readonly PathArgument[] = uniquePaths(roots);
  while (level.length > 0) {
    const entries = await mapAtOnce(level, async ({ hash, text }) => {
      const narinfo = await readNarinfo(hash);
      const path = narinfo === undefined ? text : formatStorePath(narinfo.storePath, storeDir);
      return { hash, text: path, narinfo, neededBy: [] };
    });
    for (const entry of entries) found.set(entry.hash, entry);
    if (!isWhole) break;
    level = uniquePaths(
      entries.flatMap(({ narinfo }) =>
        (narinfo?.references ?? []).map((path) => pathArgument(path, storeDir)),
      ),
    ).filter(({ hash }) => !found.has(hash));
  }
  for (const { hash, text, narinfo } of found.values()) {
    for (const reference of narinfo?.references ?? []) {
      if (reference.hash !== hash) found.get(reference.hash)?.neededBy.push(text);
    }
  }
  return [...found.values()];
}

function uniquePaths(paths: readonly PathArgument[]): readonly PathArgument[] {
  return [...new Map(paths.map((path) => [path.hash, path])).values()];
}

/** In the order given. After a failure no further one is begun. */
async function mapAtOnce<T, R>(
  items: readonly T[],
  map: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Map<number, R>();
  const queue = [...items.entries()].toReversed();
  async function work(): Promise<void> {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [index, item] = next;
      try {
        results.set(index, await map(item));
      } catch (error) {
        queue.length = 0;
        throw error;
      }
    }
  }
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, work));
  return [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
}
