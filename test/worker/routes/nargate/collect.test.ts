import { beforeEach, describe, expect, it } from "vitest";
import type { CatalogPort, IntentVerdict } from "../../../../src/worker/catalog/catalog.ts";
import { type FakeStorePath, makeStorePath } from "../../../../testkit/store-path.ts";
import { ADMIN_TOKEN, PUSH_TOKEN } from "../../../../testkit/workerd/gateway.ts";
import { apiRequest, errorOf, post, uploadOf } from "../../../../testkit/workerd/api.ts";
import { makeLargeNar } from "../../../../testkit/workerd/direct-upload.ts";
import { lineOf, makePaths, publish, putNars } from "../../../../testkit/workerd/batches.ts";
import {
  type CollectingGateway,
  startCollectingGateway,
} from "../../../../testkit/workerd/collecting-gateway.ts";

let paths: readonly FakeStorePath[];
let glibc: FakeStorePath;
let hello: FakeStorePath;

beforeEach(async () => {
  paths = await makePaths(6, true);
  [glibc, hello] = paths as unknown as [FakeStorePath, FakeStorePath];
});

/** Answers each announced narinfo with one verdict. */
const always =
  (verdict: IntentVerdict) =>
  (catalog: CatalogPort): CatalogPort => ({
    ...catalog,
    intend: async ({ narinfos }) => ({
      status: "answered",
      verdicts: narinfos.map(() => verdict),
    }),
  });

async function fail(): Promise<never> {
  throw new Error("the object does not answer");
}

const away = (catalog: CatalogPort): CatalogPort => ({
  ...catalog,
  intend: fail,
  lease: fail,
  note: fail,
  noteUsed: fail,
  readRetention: fail,
});

async function put(gateway: CollectingGateway, path: FakeStorePath): Promise<Response> {
  const stored = await gateway.push(path.narPath, path.nar);
  return stored.status === 200 ? await gateway.push(path.narinfoPath, path.narinfo) : stored;
}

describe("a push with COLLECT=on", () => {
  it("leases the NAR before its PUT, and announces the narinfo before its own", async () => {
    const gateway = await startCollectingGateway();
    expect((await put(gateway, glibc)).status).toBe(200);
    expect(gateway.calls).toEqual(["lease", "intend", "note"]);
    const [row] = await gateway.catalog.query("SELECT state, intent_at FROM path");
    expect(row).toEqual({ state: 1, intent_at: null });
  });

  it("is refused if a reference was removed, with the name of the reference", async () => {
    const gateway = await startCollectingGateway({
      change: always({ kind: "collected", references: [`${glibc.hash}-thing`] }),
    });
    const answer = await put(gateway, hello);
    expect(answer.status).toBe(409);
    const line = await answer.text();
    expect(line).toContain("removed from this cache");
    expect(line).toContain("--refresh");
    expect(line).toContain(`${glibc.hash}-thing.`);
    expect(line.trim()).not.toContain("\n");
    expect((await gateway.request(hello.narinfoPath)).status).toBe(404);
  });

  it("waits while its path is being removed, and then says when to push again", async () => {
    let asked = 0;
    const gateway = await startCollectingGateway({
      change: (catalog) =>
        ({
          ...catalog,
          async intend(intentions) {
            const answer = await catalog.intend(intentions);
            return ++asked > 2 ? answer : { ...answer, verdicts: [{ kind: "busy" }] };
          },
        }) as CatalogPort,
    });
    expect((await put(gateway, glibc)).status).toBe(200);
    expect(asked).toBe(3);
    const busy = await startCollectingGateway({ change: always({ kind: "busy" }) });
    const answer = await put(busy, glibc);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "60"]);
    expect(await answer.text()).toContain("being removed");
  });

  it("does not store a NAR while the catalog is away, and reads do not notice", async () => {
    const gateway = await startCollectingGateway();
    await put(gateway, glibc);
    const broken = await startCollectingGateway({ change: away });
    const answer = await put(broken, glibc);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain("catalog");
    expect(await broken.bucket.listKeys()).toEqual([]);
    expect((await broken.request(glibc.narinfoPath)).status).toBe(404);
  });

  it("takes neither a NAR nor a narinfo in the first minutes of a catalog", async () => {
    const gateway = await startCollectingGateway();
    await put(gateway, glibc);
    await gateway.catalog.lose();
    for (const path of [glibc.narinfoPath, hello.narPath]) {
      const body = path === glibc.narinfoPath ? glibc.narinfo : hello.nar;
      const answer = await gateway.push(path, body);
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "660"]);
      expect(await answer.text()).toContain("is new");
    }
  });

  it("goes on without the catalog if nothing is collected", async () => {
    const gateway = await startCollectingGateway({ change: away, settings: { COLLECT: "off" } });
    expect((await put(gateway, glibc)).status).toBe(200);
    expect(gateway.calls).toEqual(["note"]);
  });

  it("tells an old Nix a final failure", async () => {
    const gateway = await startCollectingGateway({ change: away });
    const answer = await gateway.push(glibc.narPath, glibc.nar, {
      "user-agent": "curl/8.4.0 Nix/2.18.1",
    });
    expect(answer.status).toBe(501);
  });
});

describe("a batch with COLLECT=on", () => {
  it("announces all its narinfos with one call", async () => {
    const gateway = await startCollectingGateway();
    await putNars(gateway, paths);
    gateway.calls.length = 0;
    const lines = await publish(gateway, paths.map(lineOf));
    expect(lines.filter(({ outcome }) => outcome === "published")).toHaveLength(6);
    expect(gateway.calls).toEqual(["intend", "note"]);
  });

  it("refuses a narinfo whose reference was removed, and those that need it", async () => {
    const gateway = await startCollectingGateway();
    await putNars(gateway, paths);
    await gateway.catalog.run((_, { sql, now }) => {
      sql.all(
        "INSERT INTO path (hash, state, gone_until) VALUES (?, 4, ?)",
        glibc.hash,
        now() + 1000,
      );
    });
    const lines = await publish(gateway, paths.slice(1).map(lineOf));
    const codeOf = ({ hash }: FakeStorePath) =>
      (lines.find(({ path }) => path === hash)?.["error"] as { code: string } | undefined)?.code;
    expect(codeOf(hello)).toBe("reference-removed");
    expect(codeOf(paths[2] as FakeStorePath)).toBe("reference-not-published");
    // Another cache has glibc, says the pusher.
    const left = { ...lineOf(hello), upstreamReferences: [glibc.hash] };
    expect(await publish(gateway, [left])).toContainEqual({
      path: hello.hash,
      outcome: "published",
    });
    // With glibc in the batch, nothing is refused.
    const again = await publish(gateway, paths.map(lineOf));
    expect(again.filter(({ outcome }) => outcome !== undefined)).toHaveLength(6);
  });

  it("stores no NAR of the batch before its narinfo is announced", async () => {
    const gateway = await startCollectingGateway({ change: always({ kind: "busy" }) });
    const nar = glibc.nar.toBase64();
    const [line] = await publish(gateway, [{ ...lineOf(glibc), nar }]);
    expect(line?.["error"]).toMatchObject({ code: "path-being-removed" });
    expect((await gateway.bucket.listKeys()).filter((key) => key.includes("/nar/"))).toEqual([]);
  });
});

describe("a direct upload with COLLECT=on", () => {
  it.each(["uploads", "uploads/signed"])("leases the NAR before POST %s", async (target) => {
    const gateway = await startCollectingGateway();
    const nar = await makeLargeNar(33_554_433);
    expect((await post(gateway, target, uploadOf(nar))).status).toBe(200);
    expect(gateway.calls).toEqual(["lease"]);
    const busy = await startCollectingGateway({
      change: (catalog) => ({
        ...catalog,
        lease: async ({ nars = [] }) => ({ busyNars: nars, lostPaths: [] }),
      }),
    });
    const refused = await errorOf(await post(busy, target, uploadOf(nar)));
    expect(refused).toMatchObject({ code: "path-being-removed" });
  });
});

describe("reads with COLLECT=on", () => {
  it("lease what a pusher is told of", async () => {
    const gateway = await startCollectingGateway();
    await put(gateway, glibc);
    await gateway.catalog.run((_, { sql }) => sql.all("UPDATE path SET condemned_at = 1"));
    gateway.calls.length = 0;
    const found = await gateway.request(
      "/api/v1/missing",
      apiRequest(JSON.stringify({ paths: [glibc.hash, hello.hash] })),
    );
    expect(await found.json()).toEqual({ missing: [hello.hash], rest: [] });
    expect(gateway.calls).toEqual(["lease"]);
    const [row] = await gateway.catalog.query("SELECT condemned_at, used_at FROM path");
    expect(row).toEqual({ condemned_at: null, used_at: gateway.catalog.now });
  });

  it("tell of a narinfo that the bucket was asked for, and of none that the edge has", async () => {
    const gateway = await startCollectingGateway();
    await put(gateway, glibc);
    gateway.calls.length = 0;
    await gateway.request(glibc.narinfoPath);
    expect(gateway.calls).toEqual(["lease"]);
    await gateway.request(glibc.narinfoPath);
    await gateway.request(hello.narinfoPath);
    expect(gateway.calls).toEqual(["lease"]);
  });
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
    expect(await errorOf(state)).toMatchObject({ code: "catalog-silent" });
  });
});
