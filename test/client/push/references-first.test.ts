import * as fc from "fast-check";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  type Dependent,
  type Publication,
  publishReferencesFirst,
  sortReferencesFirst,
} from "../../../src/client/push/references-first.ts";

interface Graph {
  readonly paths: readonly Dependent[];
  readonly failing: ReadonlySet<string>;
  readonly lost: ReadonlySet<string>;
  readonly pauses: readonly number[];
}

/** Makes graphs: each path refers to some earlier paths, perhaps to itself, and to an unknown path. */
const graphs: fc.Arbitrary<Graph> = fc
  .integer({ min: 1, max: 12 })
  .chain((count) =>
    fc.record({
      order: fc.shuffledSubarray([...Array(count).keys()], { minLength: count }),
      edges: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 30 }),
      failing: fc.subarray([...Array(count).keys()], { maxLength: Math.min(2, count) }),
      lost: fc.subarray([100, 101], { maxLength: 1 }),
      pauses: fc.array(fc.nat(3), { minLength: count * 2, maxLength: count * 2 }),
    }),
  )
  .map(({ order, edges, failing, lost, pauses }) => ({
    paths: order.map((index) => ({
      id: String(index),
      references: [
        ...edges.filter(([from, to]) => from === index && to <= from).map(([, to]) => String(to)),
        ...(index % 5 === 4 ? ["100"] : []),
      ],
    })),
    failing: new Set(failing.map(String)),
    lost: new Set(lost.map(String)),
    pauses,
  }));

async function run({ paths, failing, lost, pauses }: Graph) {
  const events: string[] = [];
  const outcomes = new Map<string, Publication<string>>();
  await publishReferencesFirst(paths, lost, {
    async prepare({ id }) {
      await sleep(pauses[Number(id)]);
      if (failing.has(id) && Number(id) % 2 === 0) throw new Error(`no ${id}`);
      return id;
    },
    async publish({ id }) {
      events.push(`begin ${id}`);
      await sleep(pauses[pauses.length - 1 - Number(id)]);
      if (failing.has(id)) throw new Error(`no ${id}`);
      events.push(`end ${id}`);
      return id;
    },
    onEnd: ({ id }, publication) => outcomes.set(id, publication),
  });
  return { events, outcomes };
}

describe("publishReferencesFirst", () => {
  it("begins no path before all that it refers to is published", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async (graph) => {
        const { events } = await run(graph);
        for (const { id, references } of graph.paths) {
          const begin = events.indexOf(`begin ${id}`);
          if (begin === -1) continue;
          for (const reference of references) {
            if (reference === id || !graph.paths.some((path) => path.id === reference)) continue;
            const end = events.indexOf(`end ${reference}`);
            expect(end).toBeGreaterThanOrEqual(0);
            expect(end).toBeLessThan(begin);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("publishes exactly the paths that need no failed path", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async (graph) => {
        const { outcomes } = await run(graph);
        const byId = new Map(graph.paths.map((path) => [path.id, path]));
        const needsFailed = (id: string): boolean =>
          graph.failing.has(id) ||
          graph.lost.has(id) ||
          (byId.get(id)?.references ?? []).some((other) => other !== id && needsFailed(other));
        expect(outcomes.size).toBe(graph.paths.length);
        const idsOf = (wanted: string) =>
          graph.paths.map(({ id }) => id).filter((id) => outcomes.get(id)?.outcome === wanted);
        expect(idsOf("published")).toEqual(
          graph.paths.map(({ id }) => id).filter((id) => !needsFailed(id)),
        );
        // All other unpublished paths are blocked, not failed.
        for (const id of idsOf("failed")) expect(graph.failing).toContain(id);
      }),
      { numRuns: 60 },
    );
  });

  it("prepares a path while what it refers to is not published yet", async () => {
    const prepared = Promise.withResolvers<void>();
    const paths = [
      { id: "top", references: ["leaf"] },
      { id: "leaf", references: [] },
    ];
    const published: string[] = [];
    await publishReferencesFirst(paths, [], {
      async prepare({ id }) {
        if (id === "top") prepared.resolve();
      },
      async publish({ id }) {
        await prepared.promise;
        published.push(id);
      },
      onEnd: () => {},
    });
    expect(published).toEqual(["leaf", "top"]);
  });
});

describe("sortReferencesFirst", () => {
  it("sorts a chain that is longer than the stack is deep", () => {
    const paths = Array.from({ length: 50_000 }, (_, index) => ({
      id: String(index),
      references: [String(index + 1)],
    }));
    const sorted = sortReferencesFirst(paths);
    expect(sorted[0]?.id).toBe("49999");
    expect(sorted).toHaveLength(50_000);
  });

  it("refuses a circle", () => {
    const paths = [
      { id: "a", references: ["b"] },
      { id: "b", references: ["a"] },
    ];
    expect(() => sortReferencesFirst(paths)).toThrow("refer to each other");
  });
});
