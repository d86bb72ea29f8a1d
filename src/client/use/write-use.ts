import { dirname, join } from "node:path";
import { ClientError } from "../client-error.ts";
import { setNetrcPassword } from "../gateway/netrc.ts";
import type { ProcessContext } from "../process-context.ts";
import { type CacheUse, nixosSettings } from "./cache-use.ts";
import {
  addToNixConf,
  appendLine,
  readNixConf,
  SUBSTITUTERS,
  systemNixConf,
  TRUSTED_KEYS,
} from "./nix-conf.ts";
import { findStoreTarget, readTextFile, replaceFile } from "../replace-file.ts";

export interface WrittenFile {
  readonly file: string;
  readonly isChanged: boolean;
}

export interface WrittenUse {
  readonly nixConf: WrittenFile;
  /** The new and changed lines of the nix.conf. */
  readonly newLines: readonly string[];
  /** Undefined for a public cache. */
  readonly netrc: WrittenFile | undefined;
  /**
   * The netrc file that Nix does not read any more, if its entries could not be
   * copied into the new one.
   */
  readonly hiddenNetrc: string | undefined;
}

/**
 * Adds a cache to a nix.conf. For a private cache it also writes the token into
 * the netrc file that this nix.conf names, or into the netrc file beside it. All
 * other lines stay unchanged, and a second call changes nothing. Throws a
 * `ClientError` if NixOS or home-manager makes the nix.conf.
 */
export async function writeUse(
  use: CacheUse,
  file: string,
  token: string | undefined,
  context: ProcessContext,
): Promise<WrittenUse> {
  if ((await findStoreTarget(file)) !== undefined) {
    throw new ClientError(
      `NixOS or home-manager makes ${file}. Put this into its configuration: ${nixosSettings(use)}`,
    );
  }
  const before = await readTextFile(file);
  let after = addToNixConf(before, SUBSTITUTERS, [use.url]);
  after = addToNixConf(after, TRUSTED_KEYS, use.publicKeys);

  // With it Nix builds a path itself if the cache fails. Nobody's own choice is changed.
  if (readNixConf(after, "fallback") === undefined) after = appendLine(after, "fallback = true");

  let netrc: WrittenFile | undefined;
  let former: FormerNetrc = { text: "", hidden: undefined };
  if (use.isPrivate && token !== undefined) {
    const named = readNixConf(after, "netrc-file");
    const netrcFile = named || join(dirname(file), "netrc");
    const systemFile = await findSystemNetrc(context);
    if (!named && netrcFile !== systemFile) {
      after = appendLine(after, `netrc-file = ${netrcFile}`);
      former = await readFormerNetrc(systemFile);
    }
    netrc = await writeNetrc(netrcFile, new URL(use.url).hostname, token, former.text);
  }

  if (after !== before) await replaceFile(file, after, { isSecret: false });
  const oldLines = new Set(before.split("\n"));
  return {
    nixConf: { file, isChanged: after !== before },
    newLines: after.split("\n").filter((line) => !oldLines.has(line)),
    netrc,
    hiddenNetrc: former.hidden,
  };
}

/** Returns the netrc file that the system's nix.conf names, or the netrc file beside it. */
async function findSystemNetrc(context: ProcessContext): Promise<string> {
  const systemFile = systemNixConf(context);
  const named = readNixConf(await readTextFile(systemFile), "netrc-file");
  return named || join(dirname(systemFile), "netrc");
}

interface FormerNetrc {
  readonly text: string;
  readonly hidden: string | undefined;
}

/**
 * Reads the netrc file that Nix has used until now. Nix reads only one, so the new
 * file needs the entries for other caches.
 */
async function readFormerNetrc(file: string): Promise<FormerNetrc> {
  try {
    return { text: await readTextFile(file), hidden: undefined };
  } catch {
    return { text: "", hidden: file };
  }
}

/** Writes the token into a netrc file. A new or empty file begins with the text `former`. */
async function writeNetrc(
  file: string,
  hostname: string,
  token: string,
  former: string,
): Promise<WrittenFile> {
  const before = await readTextFile(file);
  const after = setNetrcPassword(before === "" ? former : before, hostname, token);
  if (after !== before) await replaceFile(file, after, { isSecret: true });
  return { file, isChanged: after !== before };
}
