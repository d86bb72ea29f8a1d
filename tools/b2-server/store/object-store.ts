import { mkdir } from "node:fs/promises";
import path from "node:path";
import { BucketStore } from "./bucket-store.ts";
import { lockDirectory } from "./directory-lock.ts";
import { createSequence } from "./sequence.ts";

export interface ObjectStoreOptions {
  readonly directory: string;
  readonly buckets: readonly string[];
  readonly now: () => Date;
  /** Whether a write waits until it is safe on the disk. */
  readonly durable: boolean;
}

/** All buckets in a directory. Only one process may use the directory at a time. */
export interface ObjectStore {
  bucket(name: string): BucketStore | undefined;
  /** Opens a bucket and loads its objects from disk. Creates the bucket if it does not exist. */
  openBucket(name: string): Promise<BucketStore>;
  close(): Promise<void>;
}

// A subset of the names that B2 allows. Each is a safe directory name on every
// file system, and no two differ only in case.
const BUCKET_NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/**
 * Opens the buckets in a directory. Throws if a bucket's name is not valid, or if
 * another server uses the directory.
 */
export async function openObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  const { directory, now, durable } = options;
  const sequence = createSequence(now);
  const buckets = new Map<string, BucketStore>();
  await mkdir(directory, { recursive: true });
  const lock = await lockDirectory(directory);

  async function openBucket(name: string): Promise<BucketStore> {
    if (!BUCKET_NAME.test(name))
      throw new Error(
        `"${name}" is not a valid bucket name: use 3 to 63 of a-z, 0-9 and -, and no - at either end`,
      );
    const known = buckets.get(name);
    if (known !== undefined) return known;
    const bucketDirectory = path.join(directory, "buckets", name);
    await mkdir(bucketDirectory, { recursive: true });
    const bucket = await BucketStore.open({ directory: bucketDirectory, sequence, now, durable });
    buckets.set(name, bucket);
    return bucket;
  }

  try {
    for (const name of options.buckets) await openBucket(name);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return { bucket: (name) => buckets.get(name), openBucket, close: async () => lock.release() };
}
