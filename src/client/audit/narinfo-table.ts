import { parseObjectKey } from "../../nix/object-key.ts";
import { parseStorePathHash, type StorePathHash } from "../../nix/store-path.ts";
import type { BucketReader } from "../bucket/bucket-reader.ts";

/** The hash of a store path has 32 characters of ASCII. */
const HASH_BYTES = 32;

/** A set of hashes that takes 32 bytes for each hash, and some room. */
export interface HashTable {
  count(): number;
  /** Adds a hash that is greater than all hashes before. */
  add(hash: StorePathHash): void;
  has(hash: StorePathHash): boolean;
  /** Returns the hashes that are greater than `last`, in order. Without `last` all of them. */
  after(last: string | undefined): Generator<StorePathHash, void>;
}

export function createHashTable(): HashTable {
  let bytes = Buffer.alloc(HASH_BYTES * 1024);
  let count = 0;
  const at = (index: number) =>
    bytes.toString("latin1", index * HASH_BYTES, (index + 1) * HASH_BYTES);

  /** Returns how many hashes are less than `hash` or equal to it. */
  function countUpTo(hash: string): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (at(middle) <= hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    count: () => count,
    add(hash) {
      const end = count * HASH_BYTES;
      if (end === bytes.byteLength) bytes = Buffer.concat([bytes, Buffer.alloc(end)]);
      bytes.write(hash, end, "latin1");
      count++;
    },
    has(hash) {
      const before = countUpTo(hash);
      return before > 0 && at(before - 1) === hash;
    },
    *after(last) {
      for (let index = last === undefined ? 0 : countUpTo(last); index < count; index++) {
        const hash = parseStorePathHash(at(index));
        if (hash.ok) yield hash.value;
      }
    },
  };
}

/** Lists the narinfos. Other objects beside them, such as listings, are passed over. */
export async function listNarinfos(bucket: Pick<BucketReader, "list">): Promise<HashTable> {
  const table = createHashTable();
  for await (const page of bucket.list({ start: "", isFlat: true })) {
    for (const { path } of page) {
      const key = parseObjectKey(`/${path}`);
      // A key of the bucket is a name as it is: "%2Enarinfo" is no spelling of ".narinfo".
      const isNarinfo = key.ok && key.value.kind === "narinfo" && key.value.path === path;
      if (isNarinfo) table.add(key.value.hash);
    }
  }
  return table;
}
