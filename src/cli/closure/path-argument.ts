import { findStore, resolveStorePath } from "../../client/local-nix/store-location.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import {
  formatStorePath,
  parseStorePathBaseName,
  parseStorePathHash,
  type StorePath,
  type StorePathHash,
} from "../../nix/store-path.ts";

/** A store path that the user named. */
export interface PathArgument {
  readonly hash: StorePathHash;
  /** The whole path. Only the hash, if the user gave only the hash. */
  readonly text: string;
}

/**
 * Reads a path argument: a store path, a file inside one, a base name, a hash, or
 * a symlink such as ./result. The path need not be in a store on this machine.
 * Throws `UsageError`.
 */
export async function resolvePathArgument(
  text: string,
  storeDir: string,
  { env, cwd }: Pick<ProcessContext, "env" | "cwd">,
): Promise<PathArgument> {
  const hash = parseStorePathHash(text);
  if (hash.ok) return { hash: hash.value, text };
  const named = parseStorePathBaseName(text);
  if (named.ok) return pathArgument(named.value, storeDir);
  const { directory } = findStore(undefined, env);
  return pathArgument(await resolveStorePath(text, { storeDir, directory }, cwd), storeDir);
}

/** Returns the argument that a store path would be. */
export function pathArgument(path: StorePath, storeDir: string): PathArgument {
  return { hash: path.hash, text: formatStorePath(path, storeDir) };
}
