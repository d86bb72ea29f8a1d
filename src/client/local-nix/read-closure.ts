import { formatStorePath, formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { ClientError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { type PathInfo, parsePathInfos } from "./path-info.ts";
import { runNix } from "./run-nix.ts";
import { type NixStore, storeArgs } from "./store-location.ts";

export interface Closure {
  /** By base name. */
  readonly infos: ReadonlyMap<string, PathInfo>;
  /** Of the paths asked for, those that the store does not have. */
  readonly invalid: readonly StorePath[];
}

// The longest path has 255 + 11 bytes: half a megabyte, of the two that Linux takes.
const BATCH_PATHS = 2000;

/**
 * All that `roots` need, themselves included. A path that the store does not
 * have is told apart, since Nix would refuse them all for its sake.
 */
export async function readClosure(
  roots: readonly StorePath[],
  store: NixStore,
  context: ProcessContext,
): Promise<Closure> {
  const infos = new Map<string, PathInfo>();
  const invalid: StorePath[] = [];
  for (let start = 0; start < roots.length; start += BATCH_PATHS) {
    let batch = roots.slice(start, start + BATCH_PATHS);
    let found: readonly PathInfo[];
    try {
      found = await queryClosure(batch, store, context);
    } catch (error) {
      context.signal.throwIfAborted();
      const missing = await findInvalidPaths(batch, store, context);
      if (missing.size === 0) throw error;
      invalid.push(...batch.filter((path) => missing.has(formatStorePathBaseName(path))));
      batch = batch.filter((path) => !missing.has(formatStorePathBaseName(path)));
      found = await queryClosure(batch, store, context);
    }
    for (const info of found) infos.set(formatStorePathBaseName(info.path), info);
  }
  return { infos, invalid };
}

/** The base names of those that are not valid: not there, or not registered yet. */
export async function findInvalidPaths(
  paths: readonly StorePath[],
  store: NixStore,
  context: ProcessContext,
): Promise<ReadonlySet<string>> {
  const invalid = new Set<string>();
  for (let start = 0; start < paths.length; start += BATCH_PATHS) {
    const batch = paths.slice(start, start + BATCH_PATHS);
    const args = [...storeArgs(store), "--check-validity", "--print-invalid"];
    args.push(...batch.map((path) => formatStorePath(path, store.storeDir)));
    const printed = await runNix({ program: "nix-store", args }, context);
    for (const line of printed.split("\n")) {
      if (line !== "") invalid.add(line.slice(store.storeDir.length + 1));
    }
  }
  return invalid;
}

async function queryClosure(
  paths: readonly StorePath[],
  store: NixStore,
  context: ProcessContext,
): Promise<readonly PathInfo[]> {
  if (paths.length === 0) return [];
  const text = await printPathInfos(paths, store, context);
  const infos = parsePathInfos(text, store.storeDir);
  if (!infos.ok) throw new ClientError(`nix path-info says what is not understood: ${infos.error}`);
  return infos.value;
}

async function printPathInfos(
  paths: readonly StorePath[],
  store: NixStore,
  context: ProcessContext,
): Promise<string> {
  const args = ["path-info", ...storeArgs(store), "--recursive", "--json"];
  const names = paths.map((path) => formatStorePath(path, store.storeDir));
  try {
    return await runNix({ program: "nix", args: [...args, ...names] }, context);
  } catch (error) {
    // Nix has announced that it will want this flag, which older ones do not know.
    if (!(error instanceof Error && error.message.includes("--json-format"))) throw error;
    const formatted = [...args, "--json-format", "1", ...names];
    return await runNix({ program: "nix", args: formatted }, context);
  }
}
