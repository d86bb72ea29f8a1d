import { findStore, resolveStorePath } from "../../client/local-nix/store-location.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import {
  formatStorePath,
  parseStorePathBaseName,
  parseStorePathHash,
  type StorePath,
  type StorePathHash,
} from "../../nix/store-path.ts";

/** A store path as a person named it. */
export interface PathArgument {
  readonly hash: StorePathHash;
  /** The whole path, or the hash where only that was given. */
  readonly text: string;
}

/**
 * Reads a store path, something in one, a base name, a hash, or a link such as
 * ./result. None of them needs to be in a store on this machine. Throws `UsageError`.
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

export function pathArgument(path: StorePath, storeDir: string): PathArgument {
  return { hash: path.hash, text: formatStorePath(path, storeDir) };
}
