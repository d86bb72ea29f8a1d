import type { StorePathHash } from "../../src/nix/store-path.ts";
import type { CatalogCore } from "../../src/worker/catalog/catalog-core.ts";
import { makeStorePath } from "../store-path.ts";
import { createTestCatalog, type TestCatalog } from "./catalog.ts";
import { createMemoryBucket, type MemoryBucket } from "./memory-bucket.ts";

const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";

/** Returns the hash of the path of this number, in the order of the numbers. */
export const hashAt = (at: number) =>
  ((DIGITS[at >> 5] ?? "0") + (DIGITS[at & 31] ?? "0").repeat(31)) as StorePathHash;

export interface FillableCatalog extends TestCatalog {
  readonly bucket: MemoryBucket;
  /** Puts paths of these names into the bucket, which refer to others by number, and lists it. */
  hold(names: readonly string[], references?: Record<number, number[]>): Promise<void>;
  /** Runs a query inside the object, and counts the rows that it reads and writes. */
  counted<T>(ask: (core: CatalogCore) => Promise<T>): Promise<Counted<T>>;
}

interface Counted<T> {
  readonly answer: T;
  readonly read: number;
  readonly written: number;
}

/** Creates a catalog of a bucket that a test fills. */
export function createFillableCatalog(): FillableCatalog {
  const bucket = createMemoryBucket();
  const catalog = createTestCatalog({ bucket });
  return Object.assign(catalog, {
    bucket,
    async hold(names: readonly string[], references: Record<number, number[]> = {}) {
      for (const [at, name] of names.entries()) {
        const refs = (references[at] ?? []).map(
          (to) => `${hashAt(to)}-${names[to] ?? "elsewhere"}`,
        );
        const path = await makeStorePath(hashAt(at), { name, seed: at + 1, references: refs });
        bucket.setText(path.narinfoPath.slice(1), path.narinfo);
        bucket.objects.set(path.narPath.slice(1), { bytes: path.nar, contentType: "" });
      }
      await catalog.settle();
    },
    async counted<T>(ask: (core: CatalogCore) => Promise<T>) {
      return await catalog.run(async (core, { sql }) => {
        const before = { ...sql.rows };
        const answer = await ask(core);
        const read = sql.rows.read - before.read;
        return { answer, read, written: sql.rows.written - before.written };
      });
    },
  });
}
