import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseTokens, type TokenEntry } from "../settings/token-entries.ts";
import { UsageError } from "../client/client-error.ts";
import { formatTokens } from "./token-list.ts";

/** An absent file is an empty list. */
export async function readTokenFile(file: string): Promise<readonly TokenEntry[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const entries = parseTokens(text);
  if (!entries.ok) throw new UsageError(`${file} ${entries.error}`);
  return entries.value;
}

/** Whole or not at all, and for its owner alone. */
export async function writeTokenFile(file: string, entries: readonly TokenEntry[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${formatTokens(entries)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
