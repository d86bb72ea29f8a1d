import { beforeEach, describe, expect, it } from "vitest";
import { createBucketMeter } from "../../../src/worker/bucket/bucket.ts";
import type { CatalogPort } from "../../../src/worker/catalog/catalog.ts";
import type { CacheReads } from "../../../src/worker/caches/cache-scope.ts";
import type { FakeStorePath } from "../../../testkit/store-path.ts";
import { lineOf, makePaths, publish, putNars } from "../../../testkit/workerd/batches.ts";
import { createTestCatalog, type TestCatalog } from "../../../testkit/workerd/catalog.ts";
import {
  ADMIN_TOKEN,
  PREFIX,
  PUSH_TOKEN,
  startGateway,
  type TestGateway,
} from "../../../testkit/workerd/gateway.ts";

/** A gateway with CATALOG=on, and its catalog. `replace` may put another one in its place. */
async function startWithCatalog(
  replace: (catalog: TestCatalog) => CatalogPort | undefined = (catalog) => catalog,
): Promise<{ readonly gateway: TestGateway; readonly catalog: TestCatalog }> {
  let catalog: TestCatalog | undefined;
  const gateway = await startGateway({ CATALOG: "on" }, undefined, (whole) => {
    const { reads } = whole.caches.find(new Request("https://cache.example.org/"));
    const cache = (reads.ok ? reads.value : undefined) as CacheReads;
    catalog = createTestCatalog({ bucket: whole.openBucket(cache, createBucketMeter()) });
    const used = replace(catalog);
    return { ...whole, openCatalog: () => used, sampleUses: () => () => {} };
  });
  return { gateway, catalog: catalog as unknown as TestCatalog };
}

/** A catalog whose object is broken: every call fails. */
const broken = () =>
  new Proxy({} as CatalogPort, {
    get: () => async () => {
      throw new Error("the object is gone");
    },
  });

async function readChecks({ request }: TestGateway): Promise<readonly Record<string, string>[]> {
  const response = await request("/healthz", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return ((await response.json()) as { checks: readonly Record<string, string>[] }).checks;
}
const catalogCheck = async (gateway: TestGateway) =>
  (await readChecks(gateway)).find(({ check }) => check === "catalog");

let paths: readonly FakeStorePath[];
beforeEach(async () => {
  paths = await makePaths(3, true);
});

const knownPaths = async (catalog: TestCatalog) =>
  await catalog.query(
    "SELECT hash, push.by FROM path LEFT JOIN push ON push.id = push_id WHERE state = 1 ORDER BY hash",
  );

describe("a push", () => {
  it("tells the catalog of a batch at once, and by whom", async () => {
    const { gateway, catalog } = await startWithCatalog();
    await putNars(gateway, paths);
    await publish(gateway, paths.map(lineOf));
    expect(await knownPaths(catalog)).toEqual(
      paths
        .map(({ hash }) => ({ hash, by: "tests" }))
        .toSorted((a, b) => (a.hash < b.hash ? -1 : 1)),
    );
    expect(await catalog.query("SELECT count(*) AS pushes FROM push")).toEqual([{ pushes: 1 }]);
  });

  it("tells the catalog of a narinfo that is PUT", async () => {
    const { gateway, catalog } = await startWithCatalog();
    await putNars(gateway, paths.slice(0, 1));
    const [path] = paths as readonly [FakeStorePath];
    expect((await gateway.push(path.narinfoPath, path.narinfo)).status).toBe(200);
    expect(await knownPaths(catalog)).toEqual([{ hash: path.hash, by: "tests" }]);
    // Nothing changes, so there is nothing to tell.
    expect((await gateway.push(path.narinfoPath, path.narinfo)).status).toBe(200);
    expect(await catalog.query("SELECT count(*) AS pushes FROM push")).toEqual([{ pushes: 1 }]);
  });

  it("goes on while the catalog is broken, and logs it", async () => {
    const { gateway } = await startWithCatalog(broken);
    await putNars(gateway, paths);
    const lines = await publish(gateway, paths.map(lineOf));
    expect(lines.at(-1)).toEqual({ took: 3 });
    expect(lines.every((line) => !("error" in line))).toBe(true);
    expect(gateway.log).toContainEqual(
      expect.objectContaining({ code: "catalog-not-told", paths: 3, by: "tests" }),
    );
  });
});

describe("a deletion", () => {
  it("tells the catalog", async () => {
    const { gateway, catalog } = await startWithCatalog();
    await putNars(gateway, paths);
    await publish(gateway, paths.map(lineOf));
    const [, , last] = paths as readonly [FakeStorePath, FakeStorePath, FakeStorePath];
    const { status } = await gateway.request(last.narinfoPath, {
      method: "DELETE",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    expect(status).toBe(204);
    expect((await knownPaths(catalog)).map(({ hash }) => hash)).not.toContain(last.hash);
  });
});

describe("a read", () => {
  it("never asks the catalog, so a broken one is not noticed", async () => {
    const { gateway } = await startWithCatalog(broken);
    await putNars(gateway, paths);
    await publish(gateway, paths.map(lineOf));
    const [path] = paths as readonly [FakeStorePath];
    for (const headers of [{}, { authorization: `Bearer ${PUSH_TOKEN}` }]) {
      const found = await gateway.request(path.narinfoPath, { headers });
      expect(await found.text()).toBe(path.narinfo);
      expect((await gateway.request(path.narPath, { headers })).status).toBe(200);
      expect((await gateway.request(`/${"1".repeat(32)}.narinfo`, { headers })).status).toBe(404);
    }
  });
});

describe("/healthz", () => {
  it("says how far the catalog is, and how much it knows", async () => {
    const { gateway, catalog } = await startWithCatalog();
    const [path] = paths as readonly [FakeStorePath];
    await gateway.bucket.putObject(PREFIX + path.narinfoPath.slice(1), path.narinfo);
    expect(await catalogCheck(gateway)).toMatchObject({
      verdict: "ok",
      says: expect.stringContaining("is being filled: 0 paths"),
    });
    await catalog.settle();
    expect(await catalogCheck(gateway)).toMatchObject({ verdict: "ok", says: "knows 1 paths" });
    await gateway.bucket.putObject(`${PREFIX}${"1".repeat(32)}.narinfo`, "nonsense");
    await catalog.relist();
    await catalog.settle();
    expect((await catalogCheck(gateway))?.["says"]).toContain("1 narinfos that it cannot read");
  });

  it("warns of a broken catalog, and is healthy all the same", async () => {
    const { gateway } = await startWithCatalog(broken);
    expect(await catalogCheck(gateway)).toMatchObject({
      verdict: "warn",
      says: "does not answer",
    });
  });

  it("says what is missing if the worker was deployed without the object", async () => {
    const { gateway } = await startWithCatalog(() => undefined);
    expect(await catalogCheck(gateway)).toMatchObject({
      verdict: "warn",
      remedy: expect.stringContaining("[exports.Catalog]"),
    });
  });

  it("is silent with CATALOG=off", async () => {
    expect(await catalogCheck(await startGateway())).toBeUndefined();
  });
});
