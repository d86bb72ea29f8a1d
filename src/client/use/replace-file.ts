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
import { ClientError } from "../client-error.ts";

/** An absent one is empty. Throws a `ClientError` when it cannot be read. */
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
 * Puts a new file in the place of an old one in one step, with its mode and its
 * owner. A link stays a link, and the file that it names is replaced. What is
 * secret is never for everyone, whatever the old mode was.
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
    // Such as /dev/null, to which people turn NIX_USER_CONF_FILES.
    if (old?.isFile() === false) throw new ClientError(`cannot write ${target}: it is no file`);
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

/** The file that NixOS or home-manager made from its settings, if a name leads to one. */
export async function findStoreTarget(file: string): Promise<string | undefined> {
  const target = await followLinks(file);
  return target.startsWith("/nix/store/") ? target : undefined;
}

// As many as Linux follows.
const MAX_LINKS = 40;

/** Where a chain of links ends, also when there is nothing. */
async function followLinks(file: string): Promise<string> {
  let target = file;
  for (let links = 0; links < MAX_LINKS; links++) {
    const next = await readlink(target).catch(() => undefined);
    if (next === undefined) break;
    target = resolve(dirname(target), next);
  }
  return target;
}
