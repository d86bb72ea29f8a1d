import { randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ClientError } from "../client/client-error.ts";
import { replaceFile } from "../client/use/replace-file.ts";

/** Reads and writes files as somebody. Each throws `ClientError` where it may not. */
export interface FileAccess {
  readonly isRoot: boolean;
  /** Undefined for one that is not there. */
  read(file: string): Promise<string | undefined>;
  /** One that is there keeps its mode and its owner. */
  write(file: string, text: string, options: { readonly isSecret: boolean }): Promise<void>;
  remove(file: string): Promise<void>;
}

/** As the user that the job runs as. */
export const OWN_FILES: FileAccess = {
  isRoot: false,
  async read(file) {
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return undefined;
      throw new ClientError(`cannot read ${file}: ${code}`);
    }
  },
  async write(file, text, options) {
    await replaceFile(file, text, options);
  },
  async remove(file) {
    await rm(file, { force: true });
  },
};

/** A file that the first step changed, for the last one to put back. */
export interface FileChange {
  readonly file: string;
  readonly isRoot: boolean;
  readonly isSecret: boolean;
  /** Whether there was such a file. */
  readonly existed: boolean;
  /** What the names of its two copies in the job's own directory end with. */
  readonly id: string;
}

export interface ChangeOptions {
  readonly files: FileAccess;
  /** Of this job, and readable by nobody else: what Nix is told includes tokens. */
  readonly workDirectory: string;
  readonly isSecret: boolean;
  /**
   * Told before the file is written: of a step that is killed right after,
   * nobody else knows what is to be put back.
   */
  readonly onChange: (change: FileChange) => void;
}

/** Changes a file; undefined where that changes nothing. */
export async function changeFile(
  file: string,
  edit: (text: string) => string,
  { files, workDirectory, isSecret, onChange }: ChangeOptions,
): Promise<FileChange | undefined> {
  const found = await files.read(file);
  const before = found ?? "";
  const after = edit(before);
  if (after === before) return undefined;
  const id = randomUUID();
  await writeFile(copyOf("before", id, workDirectory), before, { mode: 0o600 });
  await writeFile(copyOf("after", id, workDirectory), after, { mode: 0o600 });
  const change = { file, isRoot: files.isRoot, isSecret, existed: found !== undefined, id };
  onChange(change);
  await files.write(file, after, { isSecret });
  return change;
}

/**
 * Puts the former text back. Where somebody has changed the file since, only
 * what must not stay goes: lines with a secret, and lines that name the job's
 * own files, which are about to vanish.
 */
export async function undoChange(
  { file, isSecret, existed, id }: FileChange,
  files: FileAccess,
  workDirectory: string,
): Promise<void> {
  const now = await files.read(file);
  if (now === undefined) return;
  const before = await readFile(copyOf("before", id, workDirectory), "utf8");
  const after = await readFile(copyOf("after", id, workDirectory), "utf8");
  if (now === after && !existed) return await files.remove(file);
  const oldLines = new Set(before.split("\n"));
  const doomed = new Set(
    after
      .split("\n")
      .filter((line) => !oldLines.has(line) && (isSecret || line.includes(workDirectory))),
  );
  const rest = now.split("\n").filter((line) => !doomed.has(line));
  const text = now === after ? before : rest.join("\n");
  if (text !== now) await files.write(file, text, { isSecret });
}

function copyOf(which: "before" | "after", id: string, workDirectory: string): string {
  return path.join(workDirectory, `${which}-${id}`);
}
