import { createBucketMeter } from "../../src/worker/bucket/bucket.ts";
import type { CatalogPort } from "../../src/worker/catalog/catalog.ts";
import type { CacheReads } from "../../src/worker/caches/cache-scope.ts";
import { RETENTION_RULES } from "../../src/worker/catalog/retention/retention-rules.ts";
import type { FakeStorePath } from "../store-path.ts";
import { createTestCatalog, type TestCatalog } from "./catalog.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { ONE_DAY } from "./retention-schedule.ts";

export const COLLECT_SETTINGS = {
  CATALOG: "on",
  COLLECT: "on",
  KEEP_DAYS: "1",
  KEEP_SINCE: "push",
};

export interface CollectingGateway extends TestGateway {
  readonly catalog: TestCatalog;
  /** The calls of the catalog by the gateway, in order. */
  readonly calls: string[];
}

export interface CollectingOptions {
  readonly settings?: Record<string, string>;
  /** Changes what the gateway sees of the catalog. */
  readonly change?: (catalog: CatalogPort) => CatalogPort;
}

/** Starts a gateway with COLLECT=on beside a catalog that takes pushes. Its waits are short. */
export async function startCollectingGateway({
  settings = {},
  change = (catalog) => catalog,
}: CollectingOptions = {}): Promise<CollectingGateway> {
  const calls: string[] = [];
  let catalog: TestCatalog | undefined;
  const gateway = await startGateway({ ...COLLECT_SETTINGS, ...settings }, undefined, (given) => {
    const reads = given.caches.find(new Request("https://cache.example.org/"));
    const cache = (reads.reads as { readonly value: CacheReads }).value;
    const made = createTestCatalog({
      bucket: given.openBucket(cache, createBucketMeter()),
      retention: { policy: ONE_DAY, rules: RETENTION_RULES, deployment: "" },
    });
    catalog = made;
    const watched = new Proxy(change(made), {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          calls.push(String(name));
          return (value as (...all: unknown[]) => unknown)(...args);
        };
      },
    });
    return {
      ...given,
      // Longer than an answer of the catalog takes: a late one is given up.
      clock: { ...given.clock, sleep: async () => await scheduler.wait(20) },
      sampleUses: () => undefined,
      openCatalog: (scope) => (scope.catalog.isOn ? watched : undefined),
    };
  });
  const made = catalog as unknown as TestCatalog;
  await made.run(() => {});
  made.now += 3600 * 1000;
  return { ...gateway, catalog: made, calls };
}

/** PUTs the NAR and the narinfo of a path. Returns the first answer that is not 200, or the last one. */
export async function putPath(gateway: CollectingGateway, path: FakeStorePath): Promise<Response> {
  const stored = await gateway.push(path.narPath, path.nar);
  return stored.status === 200 ? await gateway.push(path.narinfoPath, path.narinfo) : stored;
}
