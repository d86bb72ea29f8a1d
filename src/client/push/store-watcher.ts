import { readdir } from "node:fs/promises";
import {
  formatStorePathBaseName,
  parseStorePathBaseName,
  type StorePath,
} from "../../nix/store-path.ts";

/** Sees which paths come into a store. */
export interface StoreWatcher {
  /** Those that have become valid since the last call, or since the beginning. */
  findNew(): Promise<readonly StorePath[]>;
}

/** The base names, of those given, that the store has not registered. */
type FindInvalid = (paths: readonly StorePath[]) => Promise<ReadonlySet<string>>;

/**
 * Watches the directory of a store by looking at it, which works for every
 * store and needs no daemon. A path appears there before it is valid, and is
 * held back until then. What is new is so to `before`, which `listStoreNames`
 * gave, or else to what is there now.
 */
export async function watchStore(
  directory: string,
  findInvalid: FindInvalid,
  before?: readonly string[],
): Promise<StoreWatcher> {
  const known = new Set(before ?? (await listStoreNames(directory)));
  return {
    async findNew() {
      const names = (await listStoreNames(directory)).filter((name) => !known.has(name));
      const candidates = names.flatMap(parsePushable);
      if (candidates.length === 0) return [];
      const invalid = await findInvalid(candidates);
      const found = candidates.filter((path) => !invalid.has(formatStorePathBaseName(path)));
      for (const path of found) known.add(formatStorePathBaseName(path));
      return found;
    },
  };
}

/**
 * What builds make, not derivations. Locks and the like, which Nix has beside
 * its outputs, are never valid, and their names prove nothing: `Cargo.lock`.
 */
function parsePushable(name: string): readonly StorePath[] {
  const path = parseStorePathBaseName(name);
  return path.ok && !name.endsWith(".drv") ? [path.value] : [];
}

/** All that lies in the directory; empty where there is no store yet. */
export async function listStoreNames(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
