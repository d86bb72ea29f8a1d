import { formatStorePath, formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { ClientError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { type PathInfo, parsePathInfos } from "./path-info.ts";
import { runNix } from "./run-nix.ts";
import { type NixStore, storeArgs } from "./store-location.ts";

export interface Closure {
  /** The entries of all valid paths, by base name. */
  readonly infos: ReadonlyMap<string, PathInfo>;
  /** The requested paths that the store does not have. */
  readonly invalid: readonly StorePath[];
  /** The requested paths that the store has, and that Nix did not list all the same. */
  readonly unlisted: readonly StorePath[];
}

// Paths on one command line. The longest path has 266 bytes: 11 for "/nix/store/" and 255 for the
// name. 2000 paths are half a megabyte, and Linux accepts two megabytes.
const BATCH_PATHS = 2000;

/**
 * Reads the database entries of `roots` and of all paths that they need. Nix
 * fails for all paths if the store lacks one of them, so this function looks for
 * such paths, reports them in `invalid` and asks again without them.
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
  const lacking = new Set(invalid);
  const unlisted = roots.filter(
    (path) => !lacking.has(path) && !infos.has(formatStorePathBaseName(path)),
  );
  return { infos, invalid, unlisted };
}

/**
 * Returns the base names of the paths that are not valid: absent from the store,
 * or not registered yet.
 */
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

/**
 * Asks for derivations and for other paths apart. Before Nix 2.15, a derivation on
 * the command line means its outputs unless a flag says otherwise, and the flag makes
 * of any other path its deriver.
 */
async function queryClosure(
  paths: readonly StorePath[],
  store: NixStore,
  context: ProcessContext,
): Promise<readonly PathInfo[]> {
  return [
    ...(await queryInfos(paths.filter(isDerivation), ["--derivation"], store, context)),
    ...(await queryInfos(
      paths.filter((path) => !isDerivation(path)),
      [],
      store,
      context,
    )),
  ];
}

function isDerivation({ name }: StorePath): boolean {
  return name.endsWith(".drv");
}

async function queryInfos(
  paths: readonly StorePath[],
  flags: readonly string[],
  store: NixStore,
  context: ProcessContext,
): Promise<readonly PathInfo[]> {
  if (paths.length === 0) return [];
  const text = await printPathInfos(paths, flags, store, context);
  const infos = parsePathInfos(text, store.storeDir);
  if (!infos.ok)
    throw new ClientError(
      `nargate does not understand the output of nix path-info: ${infos.error}`,
    );
  return infos.value;
}

async function printPathInfos(
  paths: readonly StorePath[],
  flags: readonly string[],
  store: NixStore,
  context: ProcessContext,
): Promise<string> {
  const args = ["path-info", ...storeArgs(store), "--recursive", "--json", ...flags];
  const names = paths.map((path) => formatStorePath(path, store.storeDir));
  try {
    return await runNix({ program: "nix", args: [...args, ...names] }, context);
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    // Nix 2.3 knows no --derivation. What it then does not list is reported.
    if (flags.length > 0 && message.includes("unrecognised flag")) {
      return await printPathInfos(paths, [], store, context);
    }
    // Nix has announced that a later version requires this flag. Older versions do not know it.
    if (!message.includes("--json-format")) throw error;
    const formatted = [...args, "--json-format", "1", ...names];
    return await runNix({ program: "nix", args: formatted }, context);
  }
}
