import { ClientError } from "../client/client-error.ts";
import type { PathInfo } from "../client/local-nix/path-info.ts";
import { findInvalidPaths, readClosure } from "../client/local-nix/read-closure.ts";
import { findStore } from "../client/local-nix/store-location.ts";
import { watchStore } from "../client/push/store-watcher.ts";
import { formatStorePathBaseName } from "../nix/store-path.ts";
import type { ActionContext } from "./action-context.ts";
import { readStoreNames } from "./store-names.ts";

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
