import { beforeEach, describe, expect, it } from "vitest";
import type { CatalogPort } from "../../../../src/worker/catalog/catalog.ts";
import { type FakeStorePath, makeStorePath } from "../../../../testkit/store-path.ts";
import { errorOf, post } from "../../../../testkit/workerd/api.ts";
import { makePaths } from "../../../../testkit/workerd/batches.ts";
import {
  type CollectingGateway,
  putPath as put,
  startCollectingGateway,
} from "../../../../testkit/workerd/collecting-gateway.ts";
import { ADMIN_TOKEN, PUSH_TOKEN } from "../../../../testkit/workerd/gateway.ts";

let paths: readonly FakeStorePath[];
let glibc: FakeStorePath;
let hello: FakeStorePath;

beforeEach(async () => {
  paths = await makePaths(6, true);
  [glibc, hello] = paths as unknown as [FakeStorePath, FakeStorePath];
});

const away = (catalog: CatalogPort): CatalogPort => ({
  ...catalog,
  readRetention: async () => {
    throw new Error("the object does not answer");
  },
});

const admin = { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };

const start = async (gateway: CollectingGateway, kind: string, token = ADMIN_TOKEN) =>
  await post(gateway, "gc", { kind }, token);

describe("the endpoints of collection", () => {
  it("plan what goes, and say why the rest stays", async () => {
    const gateway = await startCollectingGateway();
    await put(gateway, glibc);
    await put(gateway, hello);
    // Only hello is young.
    await gateway.catalog.run((_, { sql }) =>
      sql.all("UPDATE path SET pushed_at = 1, used_at = 1 WHERE hash <> ?", hello.hash),
    );
    await put(gateway, paths[2] as FakeStorePath);
    const lonely = await makeStorePath("z".repeat(32), { seed: 99 });
    await put(gateway, lonely);
    await gateway.catalog.run((_, { sql }) =>
      sql.all("UPDATE path SET pushed_at = 1, used_at = 1 WHERE hash = ?", lonely.hash),
    );
    const started = await start(gateway, "plan");
    expect(await started.json()).toMatchObject({ running: { kind: "plan", by: "root" } });
    await gateway.catalog.settle();
    const state = await (await gateway.request("/api/v1/gc/state", admin)).json();
    expect(state).toMatchObject({
      collecting: true,
      running: null,
      last: { going: 1, goingBytes: lonely.nar.byteLength, kept: { young: 2, needed: 1 } },
    });
    const going = await (await gateway.request("/api/v1/gc/paths?show=going", admin)).json();
    expect(going).toMatchObject({ paths: [{ path: lonely.hash, name: "thing" }], next: null });
    const staying = await gateway.request("/api/v1/gc/paths?show=staying", admin);
    expect(await staying.json()).toMatchObject({
      paths: [
        { path: glibc.hash, rule: "needed" },
        { path: hello.hash, rule: "young" },
        { path: paths[2]?.hash, rule: "young" },
      ],
    });
    const why = await gateway.request(`/api/v1/why?path=${glibc.hash}`, admin);
    expect(await why.json()).toMatchObject({
      state: "kept",
      rule: "young",
      chain: [{ path: glibc.hash, name: "thing" }, { path: hello.hash }],
    });
    const gone = await gateway.request(`/api/v1/why?path=${lonely.hash}`, admin);
    expect(await gone.json()).toMatchObject({ state: "going", rule: null });
    // The grace has only begun.
    expect((await gateway.request(lonely.narinfoPath)).status).toBe(200);
  });

  it("lease a path that is pinned, and refuse one that is being removed", async () => {
    const gateway = await startCollectingGateway();
    await put(gateway, glibc);
    const pin = async () =>
      await post(gateway, "pins", { name: "main", path: `${glibc.hash}-thing`, keep: "forever" });
    gateway.calls.length = 0;
    expect((await pin()).status).toBe(200);
    expect(gateway.calls).toEqual(["lease"]);
    await gateway.catalog.run((_, { sql }) => sql.all("UPDATE path SET state = 3"));
    expect(await errorOf(await pin())).toMatchObject({ code: "pin-path-absent" });
  });

  it("tell GET /healthz what stands in the way", async () => {
    const gateway = await startCollectingGateway();
    const health = async () => {
      const answer = await gateway.request("/healthz", admin);
      const { checks } = (await answer.json()) as { checks: readonly { check: string }[] };
      return checks.find(({ check }) => check === "collection");
    };
    expect(await health()).toMatchObject({ verdict: "warn" });
    await gateway.catalog.settle();
    gateway.catalog.now += 2 * 3600 * 1000;
    await gateway.catalog.settle();
    expect(await health()).toMatchObject({ verdict: "ok", says: "collections: 0 paths go" });
  });

  it("need the scope admin, and CATALOG and COLLECT", async () => {
    const gateway = await startCollectingGateway();
    expect((await start(gateway, "plan", PUSH_TOKEN)).status).toBe(403);
    const off = await startCollectingGateway({ settings: { COLLECT: "off" } });
    expect(await errorOf(await start(off, "run"))).toMatchObject({ code: "collection-off" });
    expect((await start(off, "plan")).status).toBe(200);
    const none = await startCollectingGateway({ settings: { COLLECT: "off", CATALOG: "off" } });
    expect(await errorOf(await start(none, "plan"))).toMatchObject({ code: "catalog-off" });
    const silent = await startCollectingGateway({ change: away });
    const state = await silent.request("/api/v1/gc/state", admin);
    expect(await errorOf(state)).toMatchObject({ code: "catalog-unavailable" });
  });
});
