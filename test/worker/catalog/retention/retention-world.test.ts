import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProperty, propertyTimeout } from "../../../../testkit/check-property.ts";
import { createTestCatalog } from "../../../../testkit/workerd/catalog.ts";
import { createMemoryBucket } from "../../../../testkit/workerd/memory-bucket.ts";
import {
  type RetentionWorldEnd,
  type RetentionWorldOptions,
  runRetentionWorld,
} from "../../../../testkit/workerd/retention-world.ts";
import { ensureSchema } from "../../../../src/worker/catalog/schema.ts";

/** Runs a world on the database of a real object. */
async function run(
  options: Omit<RetentionWorldOptions, "sql" | "reset">,
): Promise<RetentionWorldEnd> {
  const catalog = createTestCatalog({ bucket: createMemoryBucket() });
  return await catalog.run(async (_, { sql }) => {
    const reset = () => {
      sql.all("DELETE FROM path");
      sql.all("DELETE FROM meta");
      ensureSchema(sql);
    };
    reset();
    return await runRetentionWorld({ ...options, sql, reset });
  });
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe("pushes, collections, losses and late requests in any order", () => {
  it("lose neither the NAR nor a reference of a narinfo", async () => {
    const sums = { removedPaths: 0, removedNars: 0, losses: 0 };
    for (let seed = 1; seed <= 60; seed++) {
      const end = await run({ seed, isCalm: seed % 5 === 0 });
      expect(end.violations, `seed ${seed}`).toEqual([]);
      sums.removedPaths += end.removedPaths;
      sums.removedNars += end.removedNars;
      sums.losses += end.losses;
    }
    // Otherwise this would prove nothing.
    expect(sums.removedPaths).toBeGreaterThan(500);
    expect(sums.removedNars).toBeGreaterThan(200);
    expect(sums.losses).toBeGreaterThan(50);
  });

  it("lose nothing with other seeds", { timeout: propertyTimeout() }, async () => {
    await checkProperty(
      "collections",
      fc.asyncProperty(seeds, async (seed) => {
        expect((await run({ seed })).violations).toEqual([]);
      }) as never,
      20,
    );
  });
});

describe("in random schedules too, each of these is needed", () => {
  it.each<Omit<RetentionWorldOptions, "sql" | "reset" | "seed"> & { readonly what: string }>([
    { what: "the refusal of removed references", fault: "collected-not-refused" },
    { what: "tombstones", rules: { tombstoneMilliseconds: 1 } },
    { what: "the hold of a deletion without an answer", fault: "no-hold" },
    { what: "a deletion that is sent once", fault: "repeated-deletes" },
  ])("$what", { timeout: propertyTimeout() }, async (options) => {
    for (let seed = 1; seed <= 300; seed++) {
      const { violations } = await run({ seed, ...options });
      if (violations.length > 0) return;
    }
    expect.fail("nothing was lost in 300 runs");
  });
});
