import type { ListedPath, PathPage } from "../../api/catalog-answers.ts";
import { toOneLine } from "../../client/plain-text.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { formatBytes } from "../../client/progress/format-amounts.ts";

/** Writes the pages of a list as they come: a line for each path, and a last line with the sums. */
export async function writePages(
  pages: AsyncIterable<PathPage>,
  { storeDir, isJson }: { readonly storeDir: string; readonly isJson: boolean },
  { stdout, stderr, signal }: Pick<ProcessContext, "stdout" | "stderr" | "signal">,
): Promise<number> {
  let count = 0;
  let narSize = 0;
  let complete = true;
  let listedFrom: string | null = null;
  for await (const page of pages) {
    signal.throwIfAborted();
    ({ complete, listedFrom } = page);
    count += page.paths.length;
    narSize += page.paths.reduce((sum, path) => sum + (path.narSize ?? 0), 0);
    stdout.write(
      page.paths
        .map((path) => (isJson ? formatJsonLine(path, storeDir) : formatPathLine(path)))
        .join(""),
    );
  }
  if (isJson) {
    const summary = { paths: count, narSize, complete, listedFrom };
    stdout.write(`${JSON.stringify({ summary })}\n`);
  } else {
    stderr.write(`${formatCount(count)}, ${formatBytes(narSize)} unpacked\n`);
  }
  if (!complete) stderr.write(INCOMPLETE);
  return count;
}

export const INCOMPLETE =
  "The gateway still lists the bucket for the first time, so paths may be left out.\n";

export function formatCount(count: number): string {
  return `${count} ${count === 1 ? "path" : "paths"}`;
}

/** Returns a line such as `  1.2 MiB  2026-11-02  0c4ws0r…-hello-2.12`. Only a long name makes it longer than 80 columns. */
export function formatPathLine({ hash, name, narSize, pushedAt }: ListedPath): string {
  const size = narSize === null ? "unreadable" : formatBytes(narSize);
  const day = pushedAt?.slice(0, 10) ?? "";
  return `${toOneLine(`${size.padStart(10)}  ${day.padEnd(10)}  ${formatBaseName(hash, name)}`)}\n`;
}

export function formatBaseName(hash: string, name: string | null): string {
  return name === null ? hash : `${hash}-${name}`;
}

function formatJsonLine({ hash, name, ...facts }: ListedPath, storeDir: string): string {
  const path = name === null ? null : `${storeDir}/${formatBaseName(hash, name)}`;
  return `${JSON.stringify({ path, hash, ...facts })}\n`;
}
