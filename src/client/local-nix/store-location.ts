import { lstat, readlink } from "node:fs/promises";
import path from "node:path";
import { parseStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { UsageError } from "../client-error.ts";

/** The directory of a store. */
export interface StoreLocation {
  /** The store directory in the names of its paths: `/nix/store`. */
  readonly storeDir: string;
  /**
   * The place of that directory on the disk of this machine. Undefined if only Nix
   * can reach the files.
   */
  readonly directory: string | undefined;
}

/** A store, with the URL by which the programs of Nix find it. */
export interface NixStore extends StoreLocation {
  /** The value of `--store`, which every program of Nix gets. Undefined means Nix's own default. */
  readonly url: string | undefined;
}

/** Returns the arguments that make a program of Nix use this store. */
export function storeArgs({ url }: NixStore): readonly string[] {
  return url === undefined ? [] : ["--store", url];
}

/**
 * Returns the directory of the store that `--store` or NIX_REMOTE names. By
 * libstore/local-fs-store.hh it is the parameter `real`, or otherwise the store
 * directory below the parameter `root`.
 */
export function findStore(
  storeUrl: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): StoreLocation {
  const storeDir = withoutFinalSlash(env["NIX_STORE_DIR"] ?? env["NIX_STORE"] ?? "/nix/store");
  const url = storeUrl ?? env["NIX_REMOTE"] ?? "";
  if (url.startsWith("/")) return { storeDir, directory: withoutFinalSlash(url) + storeDir };
  const [name = "", query = ""] = url.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const logical = withoutFinalSlash(parameters.get("store") ?? storeDir);
  const local = /^(?:|auto|daemon|local|unix:\/\/.*|local:\/\/(.*))$/.exec(name);
  if (local === null) return { storeDir: logical, directory: undefined };
  const root = parameters.get("root") ?? local[1] ?? "";
  const directory = parameters.get("real") ?? withoutFinalSlash(root) + logical;
  return { storeDir: logical, directory: withoutFinalSlash(directory) };
}

function withoutFinalSlash(text: string): string {
  return text.replace(/\/+$/, "");
}

// The number of symlinks that Linux follows in one path.
const MAX_LINKS = 40;

/**
 * Returns the store path that `text` names: a store path, a file inside one, or a
 * symlink to one such as `./result`. The function follows symlinks itself: in a
 * store below another root, a symlink points to /nix/store/…, where this machine
 * has no such file. Throws `UsageError`.
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
    if (++links > MAX_LINKS)
      throw new UsageError(`${text}: too many symlinks. Check that they do not form a circle`);
    names = [...path.resolve(at, target).split("/").slice(1), ...rest];
    at = "/";
  }
  if ((await lstat(at).catch(() => undefined)) === undefined) {
    throw new UsageError(`${text} does not exist`);
  }
  throw new UsageError(
    `${text} is not in the store ${storeDir}. Give a store path, or a symlink to one such as ./result`,
  );
}

function parseBaseName(name: string, text: string): StorePath {
  const storePath = parseStorePathBaseName(name);
  if (!storePath.ok) throw new UsageError(`${text} is not a store path: ${storePath.error}`);
  return storePath.value;
}
