import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { ClientError } from "../client/client-error.ts";
import type { PathInfo } from "../client/local-nix/path-info.ts";
import { findInvalidPaths, readClosure } from "../client/local-nix/read-closure.ts";
import { findStore } from "../client/local-nix/store-location.ts";
import { listValidNames, watchStore } from "../client/push/store-watcher.ts";
import { formatStorePathBaseName } from "../nix/store-path.ts";
import type { ActionContext } from "./action-context.ts";

/** Saves the names of the paths that are valid when the job begins, one on each line. */
export async function saveStoreNames(workDirectory: string, context: ActionContext): Promise<void> {
  const location = findStore(undefined, context.env);
  const { directory } = location;
  const store = { ...location, url: undefined };
  const names =
    directory === undefined
      ? []
      : await listValidNames(directory, (paths) =>
          // If Nix cannot say it now, everything counts as known. The job must not fail for it.
          findInvalidPaths(paths, store, context).catch(() => new Set<string>()),
        );
  await writeFile(storeNamesFile(workDirectory), names.join("\n"));
}

async function readStoreNames(workDirectory: string): Promise<readonly string[]> {
  return (await readFile(storeNamesFile(workDirectory), "utf8")).split("\n");
}

function storeNamesFile(workDirectory: string): string {
  return path.join(workDirectory, "store-names");
}

/** Returns all valid paths that were added to the store since the job began. */
export async function findNewPaths(
  workDirectory: string,
  context: ActionContext,
): Promise<readonly PathInfo[]> {
  const location = findStore(undefined, context.env);
  const { directory } = location;
  if (directory === undefined) {
    throw new ClientError(
      "the files of the store are not on this machine, so the action cannot see new paths. Use a store on the runner",
    );
  }
  const store = { ...location, url: undefined };
  const watcher = await watchStore(
    directory,
    (paths) => findInvalidPaths(paths, store, context),
    await readStoreNames(workDirectory),
  );
  const paths = await watcher.findNew(true);
  const { infos } = await readClosure(paths, store, context);
  return paths.flatMap((found) => infos.get(formatStorePathBaseName(found)) ?? []);
}

/** The origins of the paths that were added during a job. */
export interface Hits {
  /** Paths that a key of this cache has signed. */
  readonly fromCache: Tally;
  readonly fromElsewhere: Tally;
  /** Paths that were built, or added to the store as sources are. */
  readonly made: Tally;
}

export interface Tally {
  readonly paths: number;
  /** Bytes of the uncompressed NARs. */
  readonly narBytes: number;
}

/**
 * Counts paths by their origin. Nix does not keep the origin of a path, so the
 * signatures decide: a path that a key of this cache has signed counts as pulled
 * from this cache, even if another cache has signed it too.
 */
export function countHits(infos: readonly PathInfo[], publicKeys: readonly string[]): Hits {
  const names = publicKeys.map((key) => key.slice(0, key.indexOf(":") + 1));
  const isOurs = ({ signatures }: PathInfo) =>
    signatures.some((signature) => names.some((name) => signature.startsWith(name)));
  const pulled = infos.filter((info) => !isMade(info));
  return {
    fromCache: tally(pulled.filter(isOurs)),
    fromElsewhere: tally(pulled.filter((info) => !isOurs(info))),
    made: tally(infos.filter(isMade)),
  };
}

function isMade({ isUltimate, signatures }: PathInfo): boolean {
  return isUltimate || signatures.length === 0;
}

function tally(infos: readonly PathInfo[]): Tally {
  return {
    paths: infos.length,
    narBytes: infos.reduce((total, { narSize }) => total + narSize, 0),
  };
}
