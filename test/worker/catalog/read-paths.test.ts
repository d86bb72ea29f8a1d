import { beforeEach, describe, expect, it } from "vitest";
import {
  createFillableCatalog,
  type FillableCatalog,
  hashAt,
} from "../../../testkit/workerd/fillable-catalog.ts";
import { makeStorePath } from "../../../testkit/store-path.ts";

const DAY = 24 * 3600 * 1000;
let catalog: FillableCatalog;

beforeEach(() => {
  catalog = createFillableCatalog();
});

const ask = async () => await catalog.findMissing([hashAt(0), hashAt(1), hashAt(9)]);

describe("readPath", () => {
  it("tells what a narinfo says, its references and its referrers, and who pushed it", async () => {
    const names = ["glibc-2", "hello-2", "world-1"];
    await catalog.hold(names, { 1: [0, 9], 2: [0, 1] });
    const pushed = await makeStorePath(hashAt(1), {
      name: "hello-2",
      seed: 2,
      references: [`${hashAt(0)}-glibc-2`, `${hashAt(9)}-elsewhere`],
    });
    catalog.now += 1000;
    await catalog.note({
      by: "github:owner/repository",
      claims: { ref: "refs/heads/main", run_id: "17" },
      narinfos: [{ hash: hashAt(1), text: pushed.narinfo, buildSeconds: 12.5 }],
    });
    expect(await catalog.readPath(hashAt(1))).toEqual({
      complete: true,
      listedFrom: "2026-11-01T00:00:00.000Z",
      hash: hashAt(1),
      name: "hello-2",
      present: true,
      problem: null,
      nar: pushed.narPath.slice(1),
      narHash: pushed.narPath.slice(5, -4),
      narSize: 1000,
      fileSize: 1000,
      deriver: null,
      contentAddress: null,
      signatures: [],
      push: {
        by: "github:owner/repository",
        at: "2026-11-01T00:00:01Z",
        claims: { ref: "refs/heads/main", run_id: "17" },
      },
      pushedAt: "2026-11-01T00:00:01Z",
      usedAt: "2026-11-01T00:00:01Z",
      buildSeconds: 12.5,
      references: [
        { hash: hashAt(9), name: "elsewhere", present: false },
        { hash: hashAt(0), name: "glibc-2", present: true },
      ],
      referrers: {
        count: 1,
        more: false,
        first: [{ hash: hashAt(2), name: "world-1", present: true }],
      },
    });
  });

  it("tells who needs a path that the cache lacks, and nothing of an unknown one", async () => {
    await catalog.hold(["hello-2"], { 0: [9] });
    expect(await catalog.readPath(hashAt(9))).toMatchObject({
      present: false,
      narSize: null,
      push: null,
      referrers: { count: 1, first: [{ name: "hello-2" }] },
    });
    expect(await catalog.readPath(hashAt(8))).toBeUndefined();
  });

  it("reads at most some thousand rows, however many paths refer to the path", async () => {
    await catalog.run((_, { sql }) => {
      sql.all(`INSERT INTO path (id, hash, state) VALUES (1, '${hashAt(0)}', 1)`);
      sql.all(`WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO path (id, hash, state) SELECT i, 'x' || i, 1 FROM n`);
      sql.all("INSERT INTO ref (target, source) SELECT 1, id FROM path WHERE id > 1");
    });
    const { answer, read } = await catalog.counted((core) => core.readPath(hashAt(0)));
    expect(answer?.referrers).toMatchObject({ count: 1000, more: true });
    expect(answer?.referrers.first).toHaveLength(100);
    expect(read).toBeLessThan(2500);
  });
});

describe("readClosure", () => {
  const query = { limit: 100, withPaths: true };

  it("gives all paths that a path needs, and counts a shared NAR once", async () => {
    await catalog.hold(["glibc-2", "zlib-1", "hello-2", "world-1", "other-1"], {
      1: [0],
      2: [0, 1],
      3: [2, 9],
    });
    const shared = await makeStorePath(hashAt(1), {
      name: "zlib-1",
      seed: 1,
      references: [`${hashAt(0)}-glibc-2`],
    });
    await catalog.note({ by: "ci", narinfos: [{ hash: hashAt(1), text: shared.narinfo }] });
    const found = await catalog.readClosure({ hash: hashAt(3), ...query });
    expect(found?.paths.map(({ name, present }) => `${name} ${present}`).toSorted()).toEqual([
      "elsewhere false",
      "glibc-2 true",
      "hello-2 true",
      "world-1 true",
      "zlib-1 true",
    ]);
    expect(found?.paths[0]?.name).toBe("world-1");
    expect(found?.totals).toMatchObject({
      complete: true,
      paths: 4,
      missing: 1,
      narSize: 4000,
      fileSize: 3000,
      more: false,
    });
    expect(await catalog.readClosure({ hash: hashAt(8), ...query })).toBeUndefined();
  });

  it("ends in a circle of references, and at its limit", async () => {
    const references = Object.fromEntries(
      Array.from({ length: 60 }, (_, at) => [at, [(at + 1) % 60]]),
    );
    await catalog.hold(
      Array.from({ length: 60 }, (_, at) => `ring-${at}`),
      references,
    );
    const whole = await catalog.readClosure({ hash: hashAt(0), limit: 60, withPaths: false });
    expect(whole).toMatchObject({ paths: [], totals: { paths: 60, more: false } });
    const cut = await catalog.counted((core) =>
      core.readClosure({ hash: hashAt(0), limit: 10, withPaths: true }),
    );
    expect(cut.answer?.paths).toHaveLength(10);
    expect(cut.answer?.totals).toMatchObject({ paths: 10, more: true });
    expect(cut.read).toBeLessThan(10 * 10);
  });
});

describe("readStats", () => {
  it("gives sums without reading the paths", async () => {
    await catalog.hold(Array.from({ length: 50 }, (_, at) => `thing-${at}`));
    catalog.bucket.objects.set("nar/loose.nar", { bytes: new Uint8Array(7), contentType: "" });
    catalog.now += DAY;
    await catalog.settle();
    const pushed = await makeStorePath(hashAt(50), { seed: 51 });
    await catalog.note({ by: "ci", narinfos: [{ hash: hashAt(50), text: pushed.narinfo }] });
    const { answer, read } = await catalog.counted((core) => core.readStats());
    expect(answer).toMatchObject({
      complete: true,
      listing: null,
      failure: null,
      paths: 51,
      narSize: 51_000,
      storedNars: 51,
      storedBytes: 50_007,
      looseNars: 1,
      looseBytes: 7,
      unreadable: 0,
      pushes: 1,
      lastPush: { by: "ci", at: "2026-11-02T00:00:00Z" },
    });
    expect(read).toBeLessThan(30);
  });
});

describe("findMissing", () => {
  it("answers only if it has listed the whole bucket within 26 hours", async () => {
    expect(await ask()).toEqual({ unknown: "incomplete" });
    await catalog.hold(["hello-2", "world-1"], { 1: [9] });
    expect(await ask()).toEqual({ missing: [hashAt(9)] });
    catalog.now += 26 * 3600 * 1000;
    expect(await ask()).toEqual({ missing: [hashAt(9)] });
    catalog.now += 1;
    expect(await ask()).toEqual({ unknown: "old" });
    await catalog.settle();
    expect(await ask()).toEqual({ missing: [hashAt(9)] });
  });

  it("reads at most three rows a hash", async () => {
    await catalog.hold(["hello-2"]);
    const hashes = Array.from({ length: 900 }, (_, at) => hashAt(at));
    const { answer, read, written } = await catalog.counted((core) => core.findMissing(hashes));
    expect(answer).toEqual({ missing: hashes.slice(1) });
    expect(read).toBeLessThanOrEqual(3 * 900);
    expect(written).toBe(0);
  });
});

describe("noteUsed", () => {
  it("writes one row a path and day at most, and none for a path that the cache lacks", async () => {
    await catalog.hold(["hello-2", "world-1"], { 1: [9] });
    const use = async () =>
      (await catalog.counted((core) => core.noteUsed([hashAt(0), hashAt(9), hashAt(8)]))).written;
    // The listing has just found it.
    expect(await use()).toBe(0);
    catalog.now += DAY;
    expect(await use()).toBe(1);
    expect(await use()).toBe(0);
    expect((await catalog.readPath(hashAt(0)))?.usedAt).toBe("2026-11-02T00:00:00Z");
    expect((await catalog.readPath(hashAt(1)))?.usedAt).toBe("2026-11-01T00:00:00Z");
  });
});
