import {
  chmod,
  chown,
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ClientError } from "./client-error.ts";

/**
 * Reads a file. Returns an empty text if the file does not exist. Throws a
 * `ClientError` if it cannot be read.
 */
export async function readTextFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "";
    throw new ClientError(`cannot read ${file}: ${code}`);
  }
}

/**
 * Replaces a file in one step. The new file has the mode and the owner of the old
 * one. A symlink stays, and the file to which it leads is replaced. A secret file
 * is never readable for all users, whatever the old mode was.
 */
export async function replaceFile(
  file: string,
  text: string,
  { isSecret }: { readonly isSecret: boolean },
): Promise<void> {
  const target = await followLinks(file);
  const temporary = `${target}.nargate-new`;
  try {
    await mkdir(dirname(target), { recursive: true });
    const old = await stat(target).catch(() => undefined);
    // For example /dev/null: people set NIX_USER_CONF_FILES to it.
    if (old?.isFile() === false)
      throw new ClientError(`cannot write ${target}: it is not a regular file`);
    await rm(temporary, { force: true });
    await writeFile(temporary, text, { mode: isSecret ? 0o600 : 0o644, flag: "wx" });
    if (old !== undefined) {
      await chown(temporary, old.uid, old.gid).catch(() => {});
      await chmod(temporary, old.mode & (isSecret ? 0o770 : 0o777));
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    if (error instanceof ClientError) throw error;
    throw new ClientError(`cannot write ${target}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/**
 * Returns the file in the Nix store to which a name leads, or undefined. NixOS and
 * home-manager make such files.
 */
export async function findStoreTarget(file: string): Promise<string | undefined> {
  const target = await followLinks(file);
  return target.startsWith("/nix/store/") ? target : undefined;
}

// The number of symlinks that Linux follows in one path.
const MAX_LINKS = 40;

/** Returns the end of a chain of symlinks, even if no file exists there. */
async function followLinks(file: string): Promise<string> {
  let target = file;
  for (let links = 0; links < MAX_LINKS; links++) {
    const next = await readlink(target).catch(() => undefined);
    if (next === undefined) break;
    target = resolve(dirname(target), next);
  }
  return target;
}
