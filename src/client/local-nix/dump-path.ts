import { lstat } from "node:fs/promises";
import path from "node:path";
import { formatStorePath, formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import type { ProcessContext } from "../process-context.ts";
import { type NixStore, storeArgs } from "./read-closure.ts";
import { type NixProcess, startNix } from "./run-nix.ts";

/** A store whose paths can be dumped. */
export interface DumpableStore extends NixStore {
  /** Its store directory on the disk; undefined where only Nix gets at the files. */
  readonly directory: string | undefined;
}

/**
 * Starts what writes the NAR of `storePath`: straight from the disk where the
 * files are there, since opening a store takes Nix longer than dumping a small
 * path.
 */
export async function startDump(
  storePath: StorePath,
  store: DumpableStore,
  context: ProcessContext,
): Promise<NixProcess> {
  const { directory } = store;
  if (directory !== undefined) {
    const file = path.join(directory, formatStorePathBaseName(storePath));
    if (await exists(file))
      return startNix({ program: "nix-store", args: ["--dump", file] }, context);
  }
  const args = ["store", "dump-path", ...storeArgs(store)];
  args.push(formatStorePath(storePath, store.storeDir));
  return startNix({ program: "nix", args }, context);
}

async function exists(file: string): Promise<boolean> {
  return await lstat(file).then(
    () => true,
    () => false,
  );
}
