import { beforeEach, describe, expect, it } from "vitest";
import { createBucketMeter } from "../../../../src/worker/bucket/bucket.ts";
import type { CacheReads } from "../../../../src/worker/caches/cache-scope.ts";
import type { CatalogPort } from "../../../../src/worker/catalog/catalog.ts";
import type { FakeStorePath } from "../../../../testkit/store-path.ts";
import { apiRequest, linesOf } from "../../../../testkit/workerd/api.ts";
import { lineOf, makePaths, publish, putNars } from "../../../../testkit/workerd/batches.ts";
import { brokenCatalog } from "../../../../testkit/workerd/catalog-gateway.ts";
import { createTestCatalog, type TestCatalog } from "../../../../testkit/workerd/catalog.ts";
import {
  ADMIN_TOKEN,
  PREFIX,
  PUSH_TOKEN,
  startGateway,
  type TestGateway,
} from "../../../../testkit/workerd/gateway.ts";

const admin = { method: "DELETE", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };

let catalog: TestCatalog;
let gateway: TestGateway;
let paths: readonly [FakeStorePath, FakeStorePath, FakeStorePath];

/** A gateway with a catalog and three published paths, each of which needs the one before. */
async function start(replace: (catalog: TestCatalog) => CatalogPort = (one) => one) {
  gateway = await startGateway({ CATALOG: "on" }, undefined, (whole) => {
    const { reads } = whole.caches.find(new Request("https://cache.example.org/"));
    const cache = (reads.ok ? reads.value : undefined) as CacheReads;
    catalog = createTestCatalog({ bucket: whole.openBucket(cache, createBucketMeter()) });
    const used = replace(catalog);
    return { ...whole, openCatalog: () => used, sampleUses: () => () => {} };
  });
  paths = (await makePaths(3, true)) as unknown as typeof paths;
  await putNars(gateway, paths);
  await publish(gateway, paths.map(lineOf));
  await catalog.settle();
}

beforeEach(async () => {
  await start();
});

const remove = async (path: string) => await gateway.request(path, admin);

describe("DELETE of a narinfo", () => {
  it("is refused while other paths need it, and names them", async () => {
    const [first, second] = paths;
    const refused = await remove(first.narinfoPath);
    expect(refused.status).toBe(409);
    const line = await refused.text();
    expect(line).toContain(`${second.hash}-thing`);
    expect(line).toContain("nargate delete --with-referrers");
    expect((await gateway.request(first.narinfoPath)).status).toBe(200);
  });

  it("works one after another if referrers go first", async () => {
    for (const { narinfoPath } of paths.toReversed()) {
      expect((await remove(narinfoPath)).status).toBe(204);
    }
    expect((await catalog.readStatus()).paths).toBe(0);
  });

  it("works for a path that others need if it is forced", async () => {
    expect((await remove(`${paths[0].narinfoPath}?force=true`)).status).toBe(204);
  });

  it("is refused while a pin keeps the path, and names the pin", async () => {
    const [, , last] = paths;
    const pinned = await gateway.request(
      "/api/v1/pins",
      apiRequest(JSON.stringify({ name: "v1.0", path: `${last.hash}-thing`, keep: "forever" })),
    );
    expect(pinned.status).toBe(200);
    const refused = await remove(last.narinfoPath);
    expect([refused.status, await refused.text()]).toEqual([
      409,
      expect.stringContaining("nargate unpin). The pins are v1.0."),
    ]);
    expect((await remove(`${last.narinfoPath}?force=true`)).status).toBe(204);
  });

  it("is refused while an object among the pins cannot be read", async () => {
    await gateway.bucket.putObject(`${PREFIX}.nargate/pins/strange`, "");
    const refused = await remove(paths[2].narinfoPath);
    expect([refused.status, await refused.text()]).toEqual([
      409,
      expect.stringContaining("?force=true"),
    ]);
  });

  it("is not carried out while the catalog is broken, unless it is forced", async () => {
    await start(() =>
      brokenCatalog(async () => {
        throw new Error("the object broke");
      }),
    );
    expect((await remove(paths[2].narinfoPath)).status).toBe(503);
    expect((await gateway.request(paths[2].narinfoPath)).status).toBe(200);
    expect((await remove(`${paths[2].narinfoPath}?force=true`)).status).toBe(204);
  });
});

describe("DELETE of a NAR", () => {
  it("needs no force once the catalog knows that no path names it", async () => {
    const [, , last] = paths;
    expect((await remove(last.narPath)).status).toBe(409);
    await remove(last.narinfoPath);
    expect((await remove(last.narPath)).status).toBe(204);
    expect((await gateway.request(last.narPath)).status).toBe(404);
  });

  it("is refused while the catalog does not know the whole bucket", async () => {
    const [, , last] = paths;
    await remove(last.narinfoPath);
    await catalog.lose();
    expect((await remove(last.narPath)).status).toBe(409);
    await catalog.settle();
    expect((await remove(last.narPath)).status).toBe(204);
  });

  it("is refused while a narinfo cannot be read, which may name it", async () => {
    const [, , last] = paths;
    await remove(last.narinfoPath);
    await gateway.bucket.putObject(`${PREFIX}${"1".repeat(32)}.narinfo`, "nonsense");
    await catalog.relist();
    await catalog.settle();
    expect((await remove(last.narPath)).status).toBe(409);
  });
});

describe("GET /api/v1/paths/<hash>/dependents", () => {
  it("lists all that need a path, referrers first", async () => {
    const [first, second, third] = paths;
    const response = await gateway.request(`/api/v1/paths/${first.hash}/dependents`, {
      headers: { authorization: `Bearer ${PUSH_TOKEN}` },
    });
    const lines = await linesOf(response);
    expect(lines.slice(0, -1).map((line) => line["hash"])).toEqual([
      third.hash,
      second.hash,
      first.hash,
    ]);
    expect(lines.at(-1)).toMatchObject({ dependents: { complete: true, paths: 3, more: false } });
  });
});

async function purge(names: readonly string[]): Promise<Response> {
  const request = apiRequest(JSON.stringify({ paths: names }));
  const headers = { ...request.headers, ...admin.headers };
  return await gateway.request("/api/v1/purge", { ...request, headers });
}

describe("POST /api/v1/purge", () => {
  it("drops many objects at once", async () => {
    const [{ narinfoPath, narinfo }] = paths;
    await gateway.request(narinfoPath);
    await gateway.bucket.putObject(PREFIX + narinfoPath.slice(1), `${narinfo}Sig: a-1:AAAA\n`);
    expect(await (await gateway.request(narinfoPath)).text()).toBe(narinfo);
    const response = await purge([paths[1].narinfoPath.slice(1), narinfoPath.slice(1)]);
    expect([response.status, await response.json()]).toEqual([200, { purged: true }]);
    expect(await (await gateway.request(narinfoPath)).text()).not.toBe(narinfo);
  });

  it("refuses more than 100 names, and a name of no object", async () => {
    expect((await purge(Array.from({ length: 101 }, () => "x"))).status).toBe(400);
    expect((await purge(["nix/store/../x"])).status).toBe(400);
  });
});
