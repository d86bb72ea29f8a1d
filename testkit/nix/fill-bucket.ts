import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { LocalGateway } from "../node/local-gateway.ts";

/**
 * Puts a `file://` binary cache into the bucket, as the same objects: Nix writes them
 * alike to s3://. Returns the objects by their keys below the prefix.
 */
export async function fillBucket(
  gateway: Pick<LocalGateway, "bucket">,
  directory: string,
): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const objects = new Map<string, Buffer>();
  for (const file of entries.filter((entry) => entry.isFile())) {
    const name = path.join(file.parentPath, file.name);
    const key = path.relative(directory, name);
    objects.set(key, await readFile(name));
    await gateway.bucket.write(key, await readFile(name));
  }
  return objects;
}
