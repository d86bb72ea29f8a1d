import { readlink } from "node:fs/promises";
import path from "node:path";
import { parseStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { UsageError } from "../client-error.ts";

/** Where the files of a store are. */
export interface StoreLocation {
  /** As in the names of its paths: `/nix/store`. */
  readonly storeDir: string;
  /** Where that is on this machine's disk; undefined where only Nix can say. */
  readonly directory: string | undefined;
}

/** A store that Nix is asked about. */
export interface NixStore extends StoreLocation {
  /** As given with `--store`; handed to every program of Nix. */
  readonly url: string | undefined;
}

/**
 * Where the store that `--store` or NIX_REMOTE names keeps its files
 * (libstore/local-fs-store.hh: `real`, or else the store directory below `root`).
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

export function storeArgs({ url }: NixStore): readonly string[] {
  return url === undefined ? [] : ["--store", url];
}
