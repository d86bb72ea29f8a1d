import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import type { Bucket } from "../../src/worker/bucket/bucket.ts";
import { type CatalogPort, CATALOG_METHODS } from "../../src/worker/catalog/catalog.ts";
import {
  type CatalogContext,
  STEP_LIMITS,
  type StepLimits,
} from "../../src/worker/catalog/catalog-context.ts";
import {
  type CatalogCore,
  createCatalogCore,
  NO_RETENTION,
  type RetentionOptions,
} from "../../src/worker/catalog/catalog-core.ts";
import { ensureSchema } from "../../src/worker/catalog/schema.ts";
import { openSql, type Sql } from "../../src/worker/catalog/sql.ts";
import { createTestLog, type LoggedLine } from "./log.ts";

/** A catalog on the database of a real object, whose clock stands still unless a test moves it. */
export interface TestCatalog extends CatalogPort {
  /** The time in milliseconds since 1970. */
  now: number;
  readonly lines: readonly LoggedLine[];
  /** Runs inside the object. The database is only open until it resolves. */
  run<T>(work: (core: CatalogCore, context: CatalogContext) => T | Promise<T>): Promise<T>;
  /** Runs steps until none is due, and returns their number. */
  settle(): Promise<number>;
  /** Returns the rows of a query. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Loses the whole catalog, as if its object were new. */
  lose(): Promise<void>;
}

export interface TestCatalogOptions {
  readonly bucket: Bucket;
  readonly limits?: Partial<StepLimits>;
  readonly retention?: Partial<RetentionOptions>;
  /** Changes the context of each call, such as to break the database. */
  readonly change?: (context: CatalogContext) => CatalogContext;
}

/** 2026-11-01, in milliseconds. */
const START = Date.UTC(2026, 10, 1);

interface ObjectNamespace {
  getByName(name: string): DurableObjectStub;
}

export function createTestCatalog({
  bucket,
  limits = {},
  retention = {},
  change = (context) => context,
}: TestCatalogOptions): TestCatalog {
  const { Catalog } = exports as unknown as { readonly Catalog: ObjectNamespace };
  // The settings of the tests have CATALOG=off, so the object itself does nothing.
  const stub = Catalog.getByName(crypto.randomUUID());
  const { log, lines } = createTestLog();

  const inObject = async <T>(work: (sql: Sql) => T | Promise<T>): Promise<T> =>
    await runInDurableObject(stub, async (_, { storage }) => {
      const sql = openSql(storage);
      ensureSchema(sql);
      return await work(sql);
    });

  const catalog: Omit<TestCatalog, keyof CatalogPort> = {
    now: START,
    lines,
    run: (work) =>
      inObject(async (sql) => {
        const context = change({
          sql,
          bucket,
          storeDir: "/nix/store",
          log,
          now: () => whole.now,
        });
        const steps = { ...STEP_LIMITS, ...limits };
        const core = createCatalogCore(context, steps, { ...NO_RETENTION, ...retention });
        return await work(core, context);
      }),
    settle: () =>
      whole.run(async (core) => {
        for (let steps = 0; ; steps++) {
          if (core.nextStepAt() > whole.now) return steps;
          if (steps === 10_000) throw new Error("the catalog does not settle");
          await core.step();
        }
      }),
    query: (query) => inObject((sql) => sql.all(query)),
    lose: () =>
      inObject((sql) => {
        sql.all("DELETE FROM path");
        sql.all("DELETE FROM meta");
        ensureSchema(sql);
      }),
  };
  const calls = CATALOG_METHODS.map((method) => [
    method,
    async (...args: readonly unknown[]) =>
      // As across the network: what is passed is copied.
      await whole.run(async (core) => {
        const call = core[method] as (...values: readonly unknown[]) => Promise<unknown>;
        return structuredClone(await call(...structuredClone(args)));
      }),
  ]);
  const whole = Object.assign(catalog, Object.fromEntries(calls)) as TestCatalog;
  return whole;
}
