import { beforeEach, describe, expect, it } from "vitest";
import type { CatalogPort, IntentVerdict } from "../../../../src/worker/catalog/catalog.ts";
import { type FakeStorePath, makeStorePath } from "../../../../testkit/store-path.ts";
import { apiRequest, errorOf, post, uploadOf } from "../../../../testkit/workerd/api.ts";
import { PUSH_TOKEN } from "../../../../testkit/workerd/gateway.ts";
import { makeLargeNar } from "../../../../testkit/workerd/direct-upload.ts";
import { lineOf, makePaths, publish, putNars } from "../../../../testkit/workerd/batches.ts";
import {
  putPath as put,
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
});

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

describe("the completion of a direct upload with COLLECT=on", () => {
  it("leases the NAR again before its copy", async () => {
    let isBusy = false;
    const gateway = await startCollectingGateway({
      change: (catalog) =>
        ({
          ...catalog,
          lease: async (leases) =>
            isBusy ? { busyNars: leases.nars ?? [], lostPaths: [] } : await catalog.lease(leases),
        }) as CatalogPort,
    });
    const nar = await makeLargeNar(33_554_433);
    const started = await post(gateway, "uploads/signed", uploadOf(nar));
    const { handle } = (await started.json()) as { handle: string };
    isBusy = true;
    expect(await errorOf(await post(gateway, "uploads/complete", { handle }))).toMatchObject({
      code: "path-being-removed",
    });
  });
});

describe("a narinfo with more references than the catalog keeps", () => {
  it("is refused, because nothing could be removed beside it", async () => {
    const gateway = await startCollectingGateway();
    const digits = "0123456789abcdfghijklmnpqrsvwxyz";
    const references = Array.from({ length: 4001 }, (_, at) => {
      const start = [at >> 10, (at >> 5) & 31, at & 31].map((digit) => digits[digit]).join("");
      return `${start}${"a".repeat(29)}-x`;
    });
    const wide = await makeStorePath("h".repeat(32), { references });
    const refused = await put(gateway, wide);
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringContaining("more than 4,000 references"),
    ]);
    expect((await gateway.catalog.readStatus()).unreadable).toBe(0);
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
    expect(gateway.calls).toEqual(["findMissing", "lease"]);
    const [row] = await gateway.catalog.query("SELECT condemned_at, used_at FROM path");
    expect(row).toEqual({ condemned_at: null, used_at: gateway.catalog.now });
  });

  it("tell of a narinfo that a pusher was told of, also by the edge, and of no other", async () => {
    const gateway = await startCollectingGateway();
    await put(gateway, glibc);
    gateway.calls.length = 0;
    await gateway.request(glibc.narinfoPath);
    expect(gateway.calls).toEqual([]);
    const pusher = { headers: { authorization: `Bearer ${PUSH_TOKEN}` } };
    await gateway.request(glibc.narinfoPath, pusher);
    expect(gateway.calls).toEqual(["lease"]);
    await gateway.request(hello.narinfoPath, pusher);
    expect(gateway.calls).toEqual(["lease"]);
  });
});
