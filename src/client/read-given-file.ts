import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { UsageError } from "./client-error.ts";
import type { ProcessContext } from "./process-context.ts";

/** The names of standard input. Opening the last two fails if it is a socket. */
const STANDARD_INPUT: readonly string[] = ["-", "/dev/stdin", "/dev/fd/0"];

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
    if (!isStandardInput(file)) return (await readFile(resolve(context.cwd, file), "utf8")).trim();
    const chunks: Buffer[] = [];
    for await (const chunk of context.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString().trim();
  } catch (error) {
    throw new UsageError(`cannot read ${flag} ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
