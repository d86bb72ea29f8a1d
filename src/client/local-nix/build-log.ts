import { lstat } from "node:fs/promises";
import path from "node:path";
import { formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import type { PathInfo } from "./path-info.ts";
import type { NixStore } from "./store-location.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The file in which Nix keeps the log of a build. Times are in milliseconds. */
interface BuildLog {
  /** 0 if the file system does not keep it. */
  readonly bornAt: number;
  readonly lastWrittenAt: number;
}

/**
 * Returns the log of a derivation, packed or not, if Nix keeps it on this machine
 * (libstore/local-fs-store.cc).
 */
export async function findBuildLog(
  deriver: StorePath,
  { storeDir, directory }: NixStore,
  env: Env,
): Promise<BuildLog | undefined> {
  if (directory === undefined) return undefined;
  const root = directory.endsWith(storeDir) ? directory.slice(0, -storeDir.length) : "";
  const logs = env["NIX_LOG_DIR"] ?? `${root}/nix/var/log/nix`;
  const name = formatStorePathBaseName(deriver);
  const file = path.join(logs, "drvs", name.slice(0, 2), name.slice(2));
  const found = await Promise.all(
    [`${file}.bz2`, file].map((one) => lstat(one).catch(() => undefined)),
  );
  const stat = found.find((one) => one?.isFile() === true);
  return stat && { bornAt: stat.birthtimeMs, lastWrittenAt: stat.mtimeMs };
}

/**
 * A build that failed leaves its log, and the next try writes into the same file: the time
 * between the tries then counts too. A longer time says nothing about the build.
 */
const MAX_BUILD_SECONDS = 24 * 3600;

/**
 * Returns how long the build of a path took, if it was built on this machine: Nix makes the log
 * when the build begins, and writes to it until the build ends. `undefined` if that is not
 * known. Never fails.
 */
export async function readBuildSeconds(
  { deriver, isUltimate }: Pick<PathInfo, "deriver" | "isUltimate">,
  store: NixStore,
  env: Env,
): Promise<number | undefined> {
  if (deriver === undefined || !isUltimate) return undefined;
  const log = await findBuildLog(deriver, store, env);
  if (log === undefined || log.bornAt <= 0) return undefined;
  const seconds = (log.lastWrittenAt - log.bornAt) / 1000;
  return seconds > 0 && seconds <= MAX_BUILD_SECONDS ? Math.round(seconds * 10) / 10 : undefined;
}
