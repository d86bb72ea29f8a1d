import { describe, expect, it } from "vitest";
import { createTestCatalog } from "../../../testkit/workerd/catalog.ts";
import { createMemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";

describe("a catalog whose rows are used up", () => {
  it("waits an hour after a step, whose failure it cannot write down", async () => {
    const bucket = createMemoryBucket();
    let isFull = false;
    const catalog = createTestCatalog({
      bucket,
      change: (context) => ({
        ...context,
        sql: {
          ...context.sql,
          all(query, ...bindings) {
            if (isFull && !query.startsWith("SELECT")) {
              throw new Error("Exceeded allowed rows written in Durable Objects free tier.");
            }
            return context.sql.all(query, ...bindings);
          },
        },
      }),
    });
    await catalog.run(async (core) => {
      isFull = true;
      // What `step` throws, the alarm throws: after six times the platform gives it up.
      await core.step();
      expect(core.nextStepAt()).toBe(catalog.now + 3600 * 1000);
      isFull = false;
      catalog.now += 3600 * 1000;
      for (let steps = 0; steps < 5; steps++) await core.step();
      expect((await core.readStatus()).completeAt).toBe(catalog.now);
    });
    expect(catalog.lines).toMatchObject([
      { code: "catalog-step-failed", fields: { fault: "catalog-over-limit" } },
    ]);
  });
});
