import type { PublishedNarinfo } from "../../client/gateway/cache-client.ts";
import { isBroken, type NarState } from "../../client/gateway/look-at-nar.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import { formatStorePath, type StorePathHash } from "../../nix/store-path.ts";
import { type PathArgument, pathArgument } from "./path-argument.ts";

/** One path, and its narinfo if the cache has it. */
export interface ClosureEntry {
  readonly hash: StorePathHash;
  /** The whole path. Only the hash, if nothing else is known. */
  readonly text: string;
  /** Undefined if the cache does not have the path, or if only Nix can read its narinfo. */
  readonly narinfo: Narinfo | undefined;
  readonly status: "present" | "missing" | "unreadable";
  /** Whether clients accept it. Undefined if the narinfo is not known. */
  readonly isUsable: boolean | undefined;
  /** Undefined without `lookAtNar`. */
  readonly nar: NarState | undefined;
  /** The listed paths that refer to this path. */
  readonly neededBy: readonly string[];
}

export interface ClosureOptions {
  readonly storeDir: string;
  /** Whether to follow the references, down to the end. */
  readonly isWhole: boolean;
  readonly readNarinfo: (hash: StorePathHash) => Promise<PublishedNarinfo>;
  readonly isUsable: (narinfo: Narinfo) => Promise<boolean>;
  /** Looks at the NAR of each path that is there, if it is given. */
  readonly lookAtNar?: ((narinfo: Narinfo) => Promise<NarState>) | undefined;
}

/** Requests at once: enough for the user not to wait for long, and not too many for one client. */
const REQUESTS_AT_ONCE = 16;

/**
 * Lists paths, and with `isWhole` their closure. The references come from the
 * cache, so this machine needs no store. Breadth first, each path once.
 */
export async function walkClosure(
  roots: readonly PathArgument[],
  { storeDir, isWhole, readNarinfo, isUsable, lookAtNar }: ClosureOptions,
): Promise<readonly ClosureEntry[]> {
  const found = new Map<StorePathHash, ClosureEntry & { neededBy: string[] }>();
  let level: readonly PathArgument[] = uniquePaths(roots);
  while (level.length > 0) {
    const entries = await mapAtOnce(level, async ({ hash, text }) => {
      const published = await readNarinfo(hash);
      const others = { hash, neededBy: [] as string[] };
      if (published === undefined || published === "unreadable") {
        const status = published ?? ("missing" as const);
        return { ...others, text, status, narinfo: undefined, isUsable: undefined, nar: undefined };
      }
      const path = formatStorePath(published.storePath, storeDir);
      const nar = await lookAtNar?.(published);
      return {
        ...others,
        text: path,
        status: "present" as const,
        narinfo: published,
        isUsable: await isUsable(published),
        nar,
      };
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

/** Whether a client that needs this path cannot get it from the cache. */
export function isLacking({ status, nar, isUsable }: ClosureEntry): boolean {
  return status === "missing" || isUsable === false || (nar !== undefined && isBroken(nar));
}

function uniquePaths(paths: readonly PathArgument[]): readonly PathArgument[] {
  return [...new Map(paths.map((path) => [path.hash, path])).values()];
}

/**
 * Maps all items, `REQUESTS_AT_ONCE` at a time, and returns the results in the
 * order of the items. After a failure it starts no further item.
 */
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
