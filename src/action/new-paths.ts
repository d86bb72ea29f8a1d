import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { ClientError } from "../client/client-error.ts";
import type { PathInfo } from "../client/local-nix/path-info.ts";
import { findInvalidPaths, readClosure } from "../client/local-nix/read-closure.ts";
import { findStore } from "../client/local-nix/store-location.ts";
import { listStoreNames, watchStore } from "../client/push/store-watcher.ts";
import { formatStorePathBaseName } from "../nix/store-path.ts";
import type { ActionContext } from "./action-context.ts";

/** Writes down what lies in the store when the job begins: a name a line. */
export async function saveStoreNames(
  workDirectory: string,
  { env }: Pick<ActionContext, "env">,
): Promise<void> {
  const { directory } = findStore(undefined, env);
  const names = directory === undefined ? [] : await listStoreNames(directory);
  await writeFile(storeNamesFile(workDirectory), names.join("\n"));
}

async function readStoreNames(workDirectory: string): Promise<readonly string[]> {
  return (await readFile(storeNamesFile(workDirectory), "utf8")).split("\n");
}

function storeNamesFile(workDirectory: string): string {
  return path.join(workDirectory, "store-names");
}

/** What has come into the store since the job began, whoever made it. */
export async function findNewPaths(
  workDirectory: string,
  context: ActionContext,
): Promise<readonly PathInfo[]> {
  const location = findStore(undefined, context.env);
  const { directory } = location;
  if (directory === undefined) {
    throw new ClientError(
      "the store is not on this machine, so that nobody sees what is new in it",
    );
  }
  const store = { ...location, url: undefined };
  const watcher = await watchStore(
    directory,
    (paths) => findInvalidPaths(paths, store, context),
    await readStoreNames(workDirectory),
  );
  const paths = await watcher.findNew();
  const { infos } = await readClosure(paths, store, context);
  return paths.flatMap((path) => infos.get(formatStorePathBaseName(path)) ?? []);
}

/** Where the paths came from that a job did not begin with. */
export interface Hits {
  /** Signed by a key of this cache. */
  readonly fromCache: Tally;
  readonly fromElsewhere: Tally;
  /** Built here, or added to the store as sources are. */
  readonly made: Tally;
}

export interface Tally {
  readonly paths: number;
  /** Unpacked. */
  readonly narBytes: number;
}

/**
 * Counts them by what the store says of each. A path that several caches have
 * signed counts as this one's: Nix does not keep where it was pulled from.
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
