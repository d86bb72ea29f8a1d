import { readlink } from "node:fs/promises";
import path from "node:path";
import { parseStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { UsageError } from "../client-error.ts";
import type { StoreLocation } from "./store-location.ts";

// As many as Linux follows.
const MAX_LINKS = 40;

/**
 * The store path that `text` leads to: itself, a file in it, or a symlink such
 * as `./result`. Links are followed by hand, since in a store that lies below
 * another root they point to where nothing is. Throws `UsageError`.
 */
export async function resolveStorePath(
  text: string,
  { storeDir, directory }: StoreLocation,
  cwd: string,
): Promise<StorePath> {
  const stores = new Set([storeDir, directory ?? storeDir]);
  let names = path.resolve(cwd, text).split("/").slice(1);
  let at = "/";
  for (let links = 0; names.length > 0;) {
    const [name = "", ...rest] = names;
    if (stores.has(at)) return parseBaseName(name, text);
    const next = path.join(at, name);
    const target = await readlink(next).catch(() => undefined);
    if (target === undefined) {
      at = next;
      names = rest;
      continue;
    }
    if (++links > MAX_LINKS) throw new UsageError(`${text} is a circle of symlinks`);
    names = [...path.resolve(at, target).split("/").slice(1), ...rest];
    at = "/";
  }
  throw new UsageError(`${text} is not in the store ${storeDir}`);
}

function parseBaseName(name: string, text: string): StorePath {
  const storePath = parseStorePathBaseName(name);
  if (!storePath.ok) throw new UsageError(`${text} is not a store path: ${storePath.error}`);
  return storePath.value;
}
