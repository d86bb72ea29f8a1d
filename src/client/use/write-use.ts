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
import { findStoreTarget, readTextFile, replaceFile } from "./replace-file.ts";

export interface WrittenFile {
  readonly file: string;
  readonly isChanged: boolean;
}

export interface WrittenUse {
  readonly nixConf: WrittenFile;
  /** The lines that are new, as they stand there now. */
  readonly newLines: readonly string[];
  /** Undefined for a public cache. */
  readonly netrc: WrittenFile | undefined;
  /** What Nix read until now and no more, where it could not be copied. */
  readonly hiddenNetrc: string | undefined;
}

/**
 * Writes a nix.conf, and for a private cache the netrc that it names or else
 * the one beside it. Nothing else in either file changes; done again, nothing at
 * all does. Throws a `ClientError` where NixOS or home-manager makes the file.
 */
export async function writeUse(
  use: CacheUse,
  file: string,
  token: string | undefined,
  context: ProcessContext,
): Promise<WrittenUse> {
  if ((await findStoreTarget(file)) !== undefined) {
    throw new ClientError(
      `${file} is made from a NixOS or home-manager configuration; put this there: ${nixosSettings(use)}`,
    );
  }
  const before = await readTextFile(file);
  let after = addToNixConf(before, SUBSTITUTERS, [use.url]);
  after = addToNixConf(after, TRUSTED_KEYS, use.publicKeys);

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

/** The netrc that the system's nix.conf names, or else the one beside it. */
async function findSystemNetrc(context: ProcessContext): Promise<string> {
  const systemFile = systemNixConf(context);
  const named = readNixConf(await readTextFile(systemFile), "netrc-file");
  return named || join(dirname(systemFile), "netrc");
}

interface FormerNetrc {
  readonly text: string;
  readonly hidden: string | undefined;
}

/** Nix reads one netrc: a new one has to hold what the former one has for other caches. */
async function readFormerNetrc(file: string): Promise<FormerNetrc> {
  try {
    return { text: await readTextFile(file), hidden: undefined };
  } catch {
    return { text: "", hidden: file };
  }
}

/** `former` is what a file that is not there yet begins with. */
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
