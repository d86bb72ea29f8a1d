import type { ProcessInput } from "../client/process-context.ts";

/** The lines of standard input, without those that are empty. */
export async function readPathList(stdin: ProcessInput): Promise<readonly string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString()
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
