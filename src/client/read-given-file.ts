import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "./client-error.ts";
import type { ProcessContext } from "./process-context.ts";

/** The names of standard input. Opening the last two fails if it is a socket. */
const STANDARD_INPUT: readonly string[] = ["-", "/dev/stdin", "/dev/fd/0"];

/** Keys, tokens and secrets have some kilobytes. A wrong name, such as /dev/zero, must not fill the memory. */
const MAX_BYTES = 64 * 1024;

/** Whether the value of a flag that names a file means standard input. */
export function isStandardInput(file: string): boolean {
  return STANDARD_INPUT.includes(file);
}

/**
 * Returns the text of the file that a flag names, without white space around it.
 * The file may be standard input or a pipe, so it is read only once. Throws
 * `UsageError` if it cannot be read.
 */
export async function readGivenFile(
  flag: string,
  file: string,
  context: Pick<ProcessContext, "cwd" | "stdin">,
): Promise<string> {
  try {
    // The context opens standard input at the first use, so no other file may touch it.
    const source = isStandardInput(file)
      ? context.stdin
      : createReadStream(resolve(context.cwd, file));
    return (await readBounded(source, `${flag} ${file}`)).trim();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot read ${flag} ${file}: ${describeCode(error)}`);
  }
}

/** The usual reasons, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "you may not read it",
  EISDIR: "it is a directory",
};

function describeCode(error: unknown): string {
  const { code = "unknown error" } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? code;
}

async function readBounded(
  source: AsyncIterable<Uint8Array | string>,
  name: string,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk);
    size += bytes.byteLength;
    if (size > MAX_BYTES) throw new UsageError(`${name} is too long to be such a file`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}
