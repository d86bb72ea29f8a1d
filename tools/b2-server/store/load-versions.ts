import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { parseVersion, type AnyVersion } from "./object-version.ts";

// Enough to keep the disk busy, and well below the usual limits on open files.
const PARALLEL_READS = 64;

/**
 * Reads all versions of a bucket from disk, in no particular order. Removes bodies
 * without a JSON file: the server ended before it published them. Throws if a JSON
 * file is not valid.
 */
export async function loadVersions(directory: string): Promise<readonly AnyVersion[]> {
  const names = new Set(await readdir(directory));
  const records = [...names].filter((name) => name.endsWith(".json"));
  const bodies = [...names].filter((name) => name.endsWith(".body"));
  const versions: AnyVersion[] = [];
  for (let start = 0; start < records.length; start += PARALLEL_READS) {
    const batch = records.slice(start, start + PARALLEL_READS);
    const loaded = await Promise.all(
      batch.map(async (name) => loadVersion(path.join(directory, name))),
    );
    for (const version of loaded) {
      if (version.kind === "marker" || names.has(`${version.versionId}.body`)) {
        versions.push(version);
      }
    }
  }
  const orphans = bodies.filter((name) => !names.has(name.replace(/\.body$/, ".json")));
  await Promise.all(orphans.map(async (name) => rm(path.join(directory, name))));
  return versions;
}

async function loadVersion(file: string): Promise<AnyVersion> {
  const version = parseVersion(await readFile(file, "utf8"));
  if (version.ok) return version.value;
  throw new Error(`cannot read ${file}: it is ${version.error}. Repair or delete the file`);
}
