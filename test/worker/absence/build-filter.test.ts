import { describe, expect, it } from "vitest";
import type { AbsenceContext } from "../../../src/worker/absence/absence-context.ts";
import { readAbsenceFolder } from "../../../src/worker/absence/absence-folder.ts";
import { ABSENCE_RULES, type AbsenceRules } from "../../../src/worker/absence/absence-rules.ts";
import { continueBuild } from "../../../src/worker/absence/build-filter.ts";
import type { FilterFile } from "../../../src/worker/absence/filter-file.ts";
import {
  createHashFilter,
  mayHaveHash,
  prefixOf,
} from "../../../src/worker/absence/hash-filter.ts";
import type { ListPage } from "../../../src/worker/bucket/bucket.ts";
import { createTestLog } from "../../../testkit/workerd/log.ts";
import { createMemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";
const hashOf = (at: number) =>
  `${DIGITS[at >> 5]}${DIGITS[at & 31]}${"0123456789".repeat(3)}` as never;

function createBuild(capacity: number): FilterFile {
  return {
    deployment: "first",
    id: "1-2",
    start: 1000,
    base: undefined,
    isConfirmed: false,
    count: 0,
    cursor: "/",
    filter: createHashFilter(capacity, 5),
  };
}

/** A bucket with these narinfos, and pages of ten objects. */
function setUp(narinfos: number, rules: Partial<AbsenceRules> = {}) {
  const bucket = createMemoryBucket();
  for (let at = 0; at < narinfos; at++) {
    bucket.setText(`${hashOf(at)}.narinfo`, "");
    bucket.setText(`${hashOf(at)}.ls`, "");
  }
  bucket.setText("nix-cache-info", "");
  const context: AbsenceContext = {
    bucket: {
      ...bucket,
      list: async (start, page) => await bucket.list(start, { ...page, limit: 10 }),
    },
    deployment: "first",
    rules: { ...ABSENCE_RULES, capacities: [16, 512, 1024], ...rules },
    log: createTestLog().log,
    now: () => 2000,
    random: () => 0,
  };
  return { bucket, context };
}

async function finish(build: FilterFile, context: AbsenceContext): Promise<FilterFile> {
  const folder = await readAbsenceFolder(context.bucket, 5);
  const end = await continueBuild(build, undefined, folder, context);
  if (end.kind === "unfinished") return await finish(end.build, context);
  if (end.kind !== "finished") throw new Error(end.kind);
  return end.build;
}

describe("continueBuild", () => {
  it("takes every narinfo of the bucket into the filter, in as many steps as needed", async () => {
    const { context, bucket } = setUp(200, { pagesInStep: 3 });
    const build = await finish(createBuild(512), context);
    expect(build.count).toBe(200);
    for (let at = 0; at < 200; at++) {
      expect(mayHaveHash(build.filter, prefixOf(hashOf(at)))).toBe(true);
    }
    const names = [...bucket.objects.keys()].filter((path) => path.startsWith(".nargate/"));
    expect(names).toEqual([expect.stringMatching(/^\.nargate\/absence\/filter-0000000001000-/)]);
  });

  it("jumps over folders, such as the NARs between the narinfos", async () => {
    const { bucket, context } = setUp(3, { pagesInStep: 100 });
    bucket.setText(`nap${"0".repeat(29)}.narinfo`, "");
    bucket.setText(`nar${"0".repeat(29)}.narinfo`, "");
    for (let at = 0; at < 500; at++) bucket.setText(`nar/${at}.nar`, "");
    for (let at = 0; at < 500; at++) bucket.setText(`.incoming/${at}`, "");
    bucket.calls.length = 0;
    const build = await finish(createBuild(512), context);
    expect(build.count).toBe(5);
    expect(bucket.calls.filter((call) => call === "list ").length).toBeLessThanOrEqual(4);
  });

  it("begins again with a larger filter when it is full", async () => {
    const { context } = setUp(100);
    const build = await finish(createBuild(16), context);
    expect(build.count).toBe(100);
    expect(build.filter.capacity).toBe(512);
  });

  it("gives up a cache that has more paths than the largest filter", async () => {
    const { context } = setUp(100, { capacities: [16, 32], pagesInStep: 100 });
    const folder = await readAbsenceFolder(context.bucket, 5);
    const end = await continueBuild(createBuild(16), undefined, folder, context);
    expect(end.kind).toBe("too-many");
  });

  it.each<{ readonly what: string; readonly change: (page: ListPage) => ListPage }>([
    {
      what: "is not in order",
      change: (page) => ({ ...page, objects: page.objects.toReversed() }),
    },
    {
      what: "begins before the place that was asked for",
      change: (page) => ({
        ...page,
        objects: [{ path: "!", sizeBytes: 1, lastModified: undefined }, ...page.objects],
      }),
    },
  ])("believes no page that $what", async ({ change }) => {
    const { context } = setUp(20);
    const { bucket } = context;
    const folder = await readAbsenceFolder(bucket, 5);
    const list: typeof bucket.list = async (start, page) => {
      const listed = await bucket.list(start, page);
      return start === "" ? change(listed) : listed;
    };
    const changed = { ...context, bucket: { ...bucket, list } };
    const error = await rejectionOf(continueBuild(createBuild(64), undefined, folder, changed));
    expect(error).toMatchObject({ code: "bucket-unavailable" });
  });

  it("does not finish if another isolate has stored a filter meanwhile", async () => {
    const { bucket, context } = setUp(20);
    const folder = await readAbsenceFolder(context.bucket, 5);
    const other = `.nargate/absence/filter-0000000009999-${"0".repeat(32)}`;
    bucket.objects.set(other, {
      bytes: new Uint8Array(),
      contentType: "",
      lastModified: new Date(),
    });
    const end = await continueBuild(createBuild(64), undefined, folder, context);
    expect(end.kind).toBe("overtaken");
  });
});
