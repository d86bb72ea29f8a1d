import { readFile } from "node:fs/promises";
import path from "node:path";

/** Has what lay in the store when the job began, a name a line. */
export function storeNamesFile(workDirectory: string): string {
  return path.join(workDirectory, "store-names");
}

export async function readStoreNames(workDirectory: string): Promise<readonly string[]> {
  return (await readFile(storeNamesFile(workDirectory), "utf8")).split("\n");
}
