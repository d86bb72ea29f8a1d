import { readdir } from "node:fs/promises";
import {
  formatStorePathBaseName,
  parseStorePathBaseName,
  type StorePath,
} from "../../nix/store-path.ts";

/** Finds the paths that are added to a store. */
export interface StoreWatcher {
  /**
   * Returns the paths that have become valid since the last call, or since the start.
   * `isLast` looks at everything: also at what lay in the directory at the start
   * without being valid, such as the output of a build that failed.
   */
  findNew(isLast: boolean): Promise<readonly StorePath[]>;
}

/** Returns the base names of the given paths that are not valid in the store. */
export type FindInvalid = (paths: readonly StorePath[]) => Promise<ReadonlySet<string>>;

/**
 * Creates a watcher that lists the directory of a store at each call. This works
 * for every store and needs no daemon. A path appears in the directory before it
 * is valid; the watcher reports it once it is valid. New are the paths that are
 * not in `before`, a result of `listValidNames`; by default those of now.
 */
export async function watchStore(
  directory: string,
  findInvalid: FindInvalid,
  before?: readonly string[],
): Promise<StoreWatcher> {
  const known = new Set(before ?? (await listValidNames(directory, findInvalid)));
  // Old lock files and failed outputs may be thousands, and asking Nix about them each
  // second would be slow.
  const leftOver = new Set((await listStoreNames(directory)).filter((name) => !known.has(name)));
  return {
    async findNew(isLast) {
      const names = (await listStoreNames(directory)).filter((name) => !known.has(name));
      const candidates = names
        .filter((name) => isLast || !leftOver.has(name))
        .flatMap(parsePushable);
      if (candidates.length === 0) return [];
      const invalid = await findInvalid(candidates);
      const found = candidates.filter((path) => !invalid.has(formatStorePathBaseName(path)));
      for (const path of found) known.add(formatStorePathBaseName(path));
      return found;
    },
  };
}

/**
 * Returns the path if it can be pushed: not a derivation, and not a name that is
 * no store path. Lock files beside the outputs pass, because a real path may also
 * end with ".lock", as in `Cargo.lock`. They never become valid, so they are
 * never reported.
 */
function parsePushable(name: string): readonly StorePath[] {
  const path = parseStorePathBaseName(name);
  return path.ok && !name.endsWith(".drv") ? [path.value] : [];
}

/**
 * Returns the base names of the paths in a store directory that are valid. A build
 * that failed leaves its output behind, which is not valid: the next build makes it
 * anew under the same name.
 */
export async function listValidNames(
  directory: string,
  findInvalid: FindInvalid,
): Promise<readonly string[]> {
  const paths = (await listStoreNames(directory)).flatMap(parsePushable);
  if (paths.length === 0) return [];
  const invalid = await findInvalid(paths);
  return paths.map(formatStorePathBaseName).filter((name) => !invalid.has(name));
}

/**
 * Returns all names in a store directory. The list is empty if the directory does
 * not exist yet.
 */
async function listStoreNames(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
