import { beforeEach, describe, expect, it } from "vitest";
import { createMemoryBucket, type MemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";
import { createTestCatalog, type TestCatalog } from "../../../testkit/workerd/catalog.ts";
import { makePaths } from "../../../testkit/workerd/batches.ts";
import type { FakeStorePath } from "../../../testkit/store-path.ts";
import type { StorePathHash } from "../../../src/nix/store-path.ts";

let calls: string[] = [];
let failing: ((call: string) => boolean) | undefined;
let bucket: MemoryBucket;
let catalog: TestCatalog;
let paths: readonly FakeStorePath[];

function put({ narinfoPath, narinfo, narPath, nar }: FakeStorePath): void {
  bucket.setText(narinfoPath.slice(1), narinfo);
  bucket.objects.set(narPath.slice(1), { bytes: nar, contentType: "" });
}

beforeEach(async () => {
  calls = [];
  failing = undefined;
  bucket = createMemoryBucket({
    before(call) {
      calls.push(call);
      if (failing?.(call) === true) throw new Error("the bucket is down");
    },
  });
  catalog = createTestCatalog({ bucket, limits: { requests: 10, pages: 2 } });
  paths = await makePaths(40, true);
  for (const path of paths) put(path);
});

const hashOf = (path: FakeStorePath | undefined) => path?.hash as StorePathHash;
const presentHashes = async () =>
  (await catalog.query("SELECT hash FROM path WHERE state = 1 ORDER BY hash")).map(
    ({ hash }) => hash,
  );

describe("stepListing", () => {
  it("fills an empty catalog in steps of few requests, and says when it knows everything", async () => {
    expect((await catalog.readStatus()).completeAt).toBeUndefined();
    const shares: number[] = [];
    let most = 0;
    await catalog.run(async (core) => {
      while (core.nextStepAt() <= catalog.now) {
        const before = calls.length;
        await core.step();
        most = Math.max(most, calls.length - before);
        const { listing } = await core.readStatus();
        if (listing?.phase === "narinfos") shares.push(listing.done);
      }
    });
    expect(most).toBeLessThanOrEqual(10);
    expect(shares).toEqual(shares.toSorted((left, right) => left - right));
    expect(shares.at(-2)).toBeGreaterThan(0);
    expect(await presentHashes()).toEqual(paths.map(({ hash }) => hash).toSorted());
    expect(await catalog.readStatus()).toMatchObject({
      completeAt: catalog.now,
      listedFrom: catalog.now,
      listing: undefined,
      paths: 40,
      storedNars: 40,
      storedBytes: paths.reduce((sum, { nar }) => sum + nar.byteLength, 0),
      unreadable: 0,
    });
    const edges = await catalog.query(
      `SELECT source.hash AS source, target.hash AS target FROM ref
       JOIN path AS source ON source.id = ref.source JOIN path AS target ON target.id = ref.target`,
    );
    expect(edges).toHaveLength(39);
    expect(edges).toContainEqual({ source: paths[1]?.hash, target: paths[0]?.hash });
  });

  it("reads nothing again that has not changed, a day later", async () => {
    await catalog.settle();
    calls = [];
    catalog.now += 24 * 3600 * 1000;
    expect(await catalog.settle()).toBeGreaterThan(0);
    expect(calls.filter((call) => !call.startsWith("list"))).toEqual([]);
    expect((await catalog.readStatus()).listedFrom).toBe(catalog.now);
  });

  it("finds what was written and deleted past the gateway, and not before a day is over", async () => {
    await catalog.settle();
    const [gone, changed] = [paths[39], paths[38]];
    const added = (await makePaths(41, true))[40] as FakeStorePath;
    bucket.objects.delete(gone?.narinfoPath.slice(1) as string);
    bucket.setText(changed?.narinfoPath.slice(1) as string, `${changed?.narinfo}Sig: a-1:AAAA\n`);
    put(added);
    catalog.now += 23 * 3600 * 1000;
    expect(await catalog.settle()).toBe(0);
    catalog.now += 3600 * 1000;
    calls = [];
    await catalog.settle();
    expect(calls.filter((call) => call.startsWith("read")).toSorted()).toEqual(
      [`read ${changed?.hash}.narinfo`, `read ${added.hash}.narinfo`].toSorted(),
    );
    expect((await catalog.readStatus()).paths).toBe(40);
    const rows = await catalog.query("SELECT hash, state, sigs FROM path WHERE state < 2");
    // The added path refers to it.
    expect(rows.find(({ hash }) => hash === gone?.hash)).toMatchObject({ state: 0, sigs: null });
    expect(rows.find(({ hash }) => hash === changed?.hash)?.["sigs"]).toContain("a-1:AAAA");
  });

  it("goes on where it was after a failure, and waits longer after each", async () => {
    await catalog.run(async (core) => await core.step());
    failing = (call) => call.startsWith("read");
    const pauses: number[] = [];
    for (let tries = 0; tries < 3; tries++) {
      await catalog.run(async (core) => {
        await core.step();
        pauses.push(core.nextStepAt() - catalog.now);
        catalog.now = core.nextStepAt();
      });
    }
    expect(pauses).toEqual([20_000, 40_000, 80_000]);
    expect((await catalog.readStatus()).failure).toBe("internal");
    expect(catalog.lines.map(({ code }) => code)).toContain("catalog-step-failed");
    failing = undefined;
    const known = (await presentHashes()).length;
    expect(known).toBeGreaterThan(0);
    calls = [];
    await catalog.settle();
    expect(calls.filter((call) => call.startsWith("read"))).toHaveLength(40 - known);
    expect((await catalog.readStatus()).failure).toBeUndefined();
  });

  it("passes over a narinfo that can never be read, and names it", async () => {
    const bad = paths[5]?.narinfoPath.slice(1);
    failing = (call) => call === `read ${bad}`;
    await catalog.run(async (core) => {
      for (let steps = 0; steps < 60; steps++) {
        catalog.now = Math.max(catalog.now, core.nextStepAt());
        await core.step();
        if ((await core.readStatus()).completeAt !== undefined) break;
      }
    });
    expect(await catalog.readStatus()).toMatchObject({ unreadable: 1, paths: 40 });
  });

  it.each([
    ["a malformed narinfo", "StorePath: nothing\n", "StorePath is wrong"],
    ["one about another path", undefined, "another store path"],
  ])("keeps %s as unreadable", async (_, text, problem) => {
    bucket.setText(paths[7]?.narinfoPath.slice(1) as string, text ?? (paths[8]?.narinfo as string));
    await catalog.settle();
    const [row] = await catalog.query("SELECT hash, problem FROM path WHERE problem IS NOT NULL");
    expect(row?.["hash"]).toBe(hashOf(paths[7]));
    expect(row?.["problem"]).toContain(problem);
  });

  it("keeps since when no path names a NAR", async () => {
    const since = catalog.now;
    bucket.objects.delete(paths[39]?.narinfoPath.slice(1) as string);
    await catalog.settle();
    catalog.now += 24 * 3600 * 1000;
    await catalog.settle();
    const loose = await catalog.query("SELECT nar, size, since FROM loose_nar");
    const nar = paths[39]?.narPath.slice(1);
    expect(loose).toEqual([{ nar, size: paths[39]?.nar.byteLength, since }]);
    put(paths[39] as FakeStorePath);
    catalog.now += 24 * 3600 * 1000;
    await catalog.settle();
    expect(await catalog.query("SELECT nar FROM loose_nar")).toEqual([]);
  });

  it("does not take a path for deleted that was published while the bucket was listed", async () => {
    await catalog.settle();
    catalog.now += 24 * 3600 * 1000;
    const late = (await makePaths(41))[40] as FakeStorePath;
    await catalog.note({ by: "ci", narinfos: [{ hash: hashOf(late), text: late.narinfo }] });
    await catalog.settle();
    expect(await presentHashes()).toContain(late.hash);
    catalog.now += 24 * 3600 * 1000;
    await catalog.settle();
    expect(await presentHashes()).not.toContain(late.hash);
  });

  it("does not read a narinfo of which a push has told", async () => {
    await catalog.settle();
    const pushed = (await makePaths(41))[40] as FakeStorePath;
    put(pushed);
    await catalog.note({ by: "ci", narinfos: [{ hash: hashOf(pushed), text: pushed.narinfo }] });
    catalog.now += 24 * 3600 * 1000;
    calls = [];
    await catalog.settle();
    expect(calls.filter((call) => call.startsWith("read"))).toEqual([]);
    const [row] = await catalog.query(
      `SELECT push.by, path.version FROM path JOIN push ON push.id = path.push_id WHERE hash = '${pushed.hash}'`,
    );
    expect(row?.["by"]).toBe("ci");
    expect(row?.["version"]).not.toBeNull();
  });

  it("builds a lost catalog again", async () => {
    await catalog.settle();
    await catalog.lose();
    expect(await catalog.readStatus()).toMatchObject({ completeAt: undefined, paths: 0 });
    await catalog.settle();
    expect(await catalog.readStatus()).toMatchObject({ completeAt: catalog.now, paths: 40 });
  });

  it("stops at a listing that ignores where a page should begin", async () => {
    const forgetful = createTestCatalog({
      bucket: { ...bucket, list: (start) => bucket.list(start, { limit: 3 }) },
      limits: { requests: 10, pages: 2 },
    });
    await forgetful.run(async (core) => {
      for (let steps = 0; steps < 4; steps++) await core.step();
    });
    expect(await forgetful.readStatus()).toMatchObject({
      completeAt: undefined,
      failure: "bucket-unavailable",
    });
  });
});
