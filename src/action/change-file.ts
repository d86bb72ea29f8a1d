import { randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ClientError } from "../client/client-error.ts";
import { replaceFile } from "../client/replace-file.ts";

/** Reads and writes files as one user. Each function throws `ClientError` if it may not. */
export interface FileAccess {
  readonly isRoot: boolean;
  /** Returns undefined if the file does not exist. */
  read(file: string): Promise<string | undefined>;
  /** Writes a file. An existing file keeps its mode and its owner. */
  write(file: string, text: string, options: { readonly isSecret: boolean }): Promise<void>;
  remove(file: string): Promise<void>;
}

/** Reads and writes files as the user of the job. */
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

/** A file that the first step has changed. The last step restores it. */
export interface FileChange {
  readonly file: string;
  readonly isRoot: boolean;
  readonly isSecret: boolean;
  /** Whether the file existed before. */
  readonly existed: boolean;
  /** The end of the names of the two copies (before, after) in the job's directory. */
  readonly id: string;
}

export interface ChangeOptions {
  readonly files: FileAccess;
  /** The directory of this job. Only its owner may read it, because Nix's files include tokens. */
  readonly workDirectory: string;
  readonly isSecret: boolean;
  /**
   * Called before the file is written. If the step is killed while it writes,
   * the last step then knows that it must restore the file.
   */
  readonly onChange: (change: FileChange) => void;
}

/** Changes a file by `edit`. Returns undefined if the text stays the same. */
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
 * Restores the former text of a file. If another program has changed the file in
 * the meantime, this removes only the lines that must not stay: lines with a
 * secret, and lines that name files of the job, which are deleted at its end.
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
