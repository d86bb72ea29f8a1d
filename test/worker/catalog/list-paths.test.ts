import { beforeEach, describe, expect, it } from "vitest";
import {
  createFillableCatalog,
  type FillableCatalog,
  hashAt,
} from "../../../testkit/workerd/fillable-catalog.ts";
import type { PathPage } from "../../../src/api/catalog-answers.ts";

let catalog: FillableCatalog;

beforeEach(() => {
  catalog = createFillableCatalog();
});

async function allPages(ask: (after: string | undefined) => Promise<PathPage>) {
  const names: (string | null)[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < 100; pages++) {
    const { paths, next } = await ask(after);
    names.push(...paths.map(({ name }) => name));
    if (next === null) return names;
    after = next;
  }
  throw new Error("the pages do not end");
}

const search = async (name: string) =>
  (await catalog.searchPaths({ name, after: undefined, limit: 100 })).paths.map(
    (path) => path.name,
  );

describe("listPaths", () => {
  const NAMES = ["zlib-1", "hello-2", "source", "source", "abc", "source", "glibc-2"];

  it("says before the first listing has ended that it does not know everything", async () => {
    const page = { order: "hash", after: undefined, limit: 10 } as const;
    expect(await catalog.listPaths(page)).toEqual({
      complete: false,
      listedFrom: null,
      paths: [],
      next: null,
    });
    await catalog.hold(["hello-2"]);
    expect(await catalog.listPaths(page)).toMatchObject({
      complete: true,
      listedFrom: "2026-11-01T00:00:00.000Z",
      paths: [
        {
          hash: hashAt(0),
          name: "hello-2",
          narSize: 1000,
          fileSize: 1000,
          usedAt: "2026-11-01T00:00:00Z",
        },
      ],
    });
  });

  it.each([1, 2, 3, 7, 8])("gives each path once, in pages of %i by hash", async (limit) => {
    await catalog.hold(NAMES);
    const names = await allPages((after) => catalog.listPaths({ order: "hash", after, limit }));
    expect(names).toEqual(NAMES);
  });

  it.each([1, 2, 3, 7, 8])("gives each path once, in pages of %i by name", async (limit) => {
    await catalog.hold(NAMES);
    const names = await allPages((after) => catalog.listPaths({ order: "name", after, limit }));
    expect(names).toEqual(NAMES.toSorted());
  });

  it("leaves out paths that others only refer to", async () => {
    await catalog.hold(["hello-2"], { 0: [9] });
    const page = await catalog.listPaths({ order: "name", after: undefined, limit: 10 });
    expect(page.paths.map(({ hash }) => hash)).toEqual([hashAt(0)]);
  });

  it("reads few rows a path, and no more on a later page", async () => {
    await catalog.hold(
      Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? "source" : `thing-${at}`)),
    );
    for (const [order, most] of [
      ["hash", 3],
      ["name", 7],
    ] as const) {
      let after: string | undefined;
      for (let page = 0; page < 10; page++) {
        const { answer, read, written } = await catalog.counted((core) =>
          core.listPaths({ order, after, limit: 20 }),
        );
        expect(answer.paths).toHaveLength(20);
        expect(read).toBeLessThanOrEqual(20 * most + 10);
        expect(written).toBe(0);
        after = answer.next ?? undefined;
      }
    }
  });
});

describe("searchPaths", () => {
  it.each([
    ["a part of a name", "ello", ["hello-2.12", "Hello-world"]],
    ["any case", "HELLO", ["hello-2.12", "Hello-world"]],
    ["an underscore as itself", "foo_bar", ["foo_bar-1"]],
    ["a dot as itself", "2.12", ["hello-2.12"]],
    ["a question mark", "a?b", ["a?b.patch"]],
    ["two letters as a whole package", "jq", ["jq-1.6"]],
    ["three characters that the index cannot use", "a_b", []],
    ["a text that no name has", "nothing", []],
    ["a text longer than a pattern may be", `${"long".repeat(14)}x`, [`${"long".repeat(14)}x`]],
  ])("finds %s", async (_, name, found) => {
    await catalog.hold([
      "hello-2.12",
      "Hello-world",
      "foo_bar-1",
      "fooxbar-1",
      "a?b.patch",
      "jq-1.6",
      "jqp-1.0",
      `${"long".repeat(14)}x`,
      `${"long".repeat(14)}y`,
    ]);
    expect((await search(name)).toSorted()).toEqual(found.toSorted());
  });

  it("pages through many paths of one name", async () => {
    const names = Array.from({ length: 25 }, (_, at) =>
      at < 20 ? "unit-x.service" : `unit-${at}`,
    );
    await catalog.hold(names);
    const found = await allPages((after) => catalog.searchPaths({ name: "unit", after, limit: 6 }));
    expect(found.toSorted()).toEqual(names.toSorted());
  });

  it("reads rows for what it finds, and not for every name", async () => {
    await catalog.hold(
      Array.from({ length: 300 }, (_, at) => (at < 5 ? `needle-${at}` : `hay-${at}`)),
    );
    const { answer, read } = await catalog.counted((core) =>
      core.searchPaths({ name: "needle", after: undefined, limit: 100 }),
    );
    expect(answer.paths).toHaveLength(5);
    expect(read).toBeLessThanOrEqual(60);
  });
});
