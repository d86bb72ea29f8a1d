import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProperty, propertyTimeout } from "../../../testkit/check-property.ts";
import { runWorld, type WorldOptions } from "../../../testkit/workerd/absence-world.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe("isolates that publish and look up paths in any order", () => {
  it.each([{ story: "calm" }, { story: "deployments" }, { story: "foreign" }] as const)(
    "never call a path absent that was visible for 10 seconds ($story)",
    { timeout: propertyTimeout() },
    async ({ story }) => {
      let told = 0;
      await checkProperty(
        `absences, ${story}`,
        fc.asyncProperty(seeds, async (seed) => {
          const end = await runWorld({ seed, story });
          told += end.told;
          expect(end.lies).toEqual([]);
        }) as never,
        40,
      );
      // Otherwise this would prove nothing.
      expect(told).toBeGreaterThan(1000);
    },
  );

  it("switch the filter off for a narinfo that was published past them, and for nothing else", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      expect((await runWorld({ seed, story: "foreign" })).isOff, `foreign ${seed}`).toBe(true);
      const calm = await runWorld({ seed, story: "calm" });
      expect(calm.isOff, `calm ${seed}`).toBe(false);
      // In every order the filter answers in the end.
      expect(calm.told, `calm ${seed}`).toBeGreaterThan(100);
    }
  });
});

describe("every safeguard is needed", () => {
  it.each<Omit<WorldOptions, "seed"> & { readonly what: string }>([
    { what: "a look that is believed for longer", rules: { believedMilliseconds: 20_000 } },
    { what: "no markers", fault: "no-marks" },
    { what: "markers after their narinfos", fault: "late-marks" },
    { what: "markers that are removed without grace", rules: { graceMilliseconds: 0 } },
    { what: "markers that are removed at once", rules: { settleMilliseconds: -60_000 } },
    { what: "an older filter than the newest", fault: "old-filter" },
    { what: "a filter of an earlier deployment", fault: "same-deployment", story: "deployments" },
    {
      what: "a first filter without probation",
      rules: { probationMilliseconds: -60_000 },
      story: "deployments",
    },
  ])("$what", { timeout: propertyTimeout() }, async (options) => {
    for (let seed = 1; seed <= 400; seed++) {
      const { lies } = await runWorld({ seed, ...options });
      if (lies.length > 0) return;
    }
    expect.fail("no lie was told in 400 runs");
  });
});
