import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Metafile } from "esbuild";

const PACKAGES = fileURLToPath(new URL("../../node_modules", import.meta.url));

/**
 * Returns the licenses of all packages whose code is in a bundle. The licenses
 * require that they accompany the code. The paths in `metafile` must be relative
 * to the project's folder.
 */
export async function readNotices({ outputs }: Metafile): Promise<string> {
  const names = Object.values(outputs)
    .flatMap(({ inputs }) => Object.keys(inputs))
    .flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []);
  const notices = await Promise.all([...new Set(names)].toSorted().map(readNotice));
  return notices.join(`\n${"-".repeat(72)}\n\n`);
}

async function readNotice(name: string): Promise<string> {
  const directory = path.join(PACKAGES, name);
  const file = (await readdir(directory)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined)
    throw new Error(`the package ${name} has no license file, and its code is in the bundle`);
  return `${name}\n\n${(await readFile(path.join(directory, file), "utf8")).trim()}\n`;
}
