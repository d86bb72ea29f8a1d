import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProperty, propertyTimeout } from "../../../../testkit/check-property.ts";
import { createRandom } from "../../../../testkit/workerd/virtual-time.ts";
import {
  DAY,
  HOUR,
  runSchedule,
  type RetentionSchedule,
  schedulePath,
  type SchedulePath,
} from "../../../../testkit/workerd/retention-schedule.ts";

const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";

/** Makes paths that refer to some of those before them. */
function makeGraph(random: () => number): readonly SchedulePath[] {
  const paths: SchedulePath[] = [];
  for (const digit of DIGITS) {
    const references = paths.filter(() => random() < 0.12);
    paths.push(schedulePath(digit, references));
  }
  return paths;
}

/** Marks from the roots, which is the definition of what stays. */
function mark(paths: readonly SchedulePath[], roots: ReadonlySet<string>): readonly string[] {
  const live = new Set<string>();
  const visit = (hash: string): void => {
    if (live.has(hash)) return;
    live.add(hash);
    const { references } = paths.find((one) => one.hash === hash)?.narinfo ?? { references: [] };
    for (const reference of references) visit(reference.hash);
  };
  for (const root of roots) visit(root);
  return [...live].toSorted();
}

async function livePaths({ core, settle, context }: RetentionSchedule) {
  await core.collect({ kind: "plan", by: "root" });
  await settle();
  return context.sql
    .all<{ hash: string }>("SELECT hash FROM path WHERE condemned_at IS NULL ORDER BY hash")
    .map(({ hash }) => hash);
}

describe("a plan", () => {
  it(
    "condemns what marking from the roots does not reach, whatever the order of the rows",
    { timeout: propertyTimeout() },
    async () => {
      await checkProperty(
        "condemned paths",
        fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (seed) => {
          const random = createRandom(seed);
          const paths = makeGraph(random);
          const pins = paths.filter(() => random() < 0.1).map(({ hash }) => hash);
          const readPins = async () => pins;
          await runSchedule({ readPins }, async (schedule) => {
            for (const path of paths.toSorted(() => random() - 0.5)) await schedule.publish(path);
            schedule.now += 2 * DAY;
            const young = paths.filter(() => random() < 0.1);
            for (const path of young) await schedule.note(path);
            const roots = new Set([...pins, ...young.map(({ hash }) => hash)]);
            expect(await livePaths(schedule)).toEqual(mark(paths, roots));
            // What a use lifts, the next plan does not condemn, and takes nothing else.
            const used = paths.filter(() => random() < 0.1).map(({ hash }) => hash);
            await schedule.core.lease({ paths: used });
            const more = new Set([...roots, ...used]);
            const lifted = schedule.context.sql
              .all<{ hash: string }>("SELECT hash FROM path WHERE condemned_at IS NULL")
              .map(({ hash }) => hash);
            expect(lifted.toSorted()).toEqual(mark(paths, more));
            expect(await livePaths(schedule)).toEqual(mark(paths, more));
          });
        }) as never,
        15,
      );
    },
  );

  it("keeps the newest paths of each package name, with KEEP_NEWEST", async () => {
    const versions = ["2.10", "2.11", "2.12"].map((version, index) =>
      schedulePath(String(index), [], { name: `hello-${version}` }),
    );
    const other = schedulePath("z", [], { name: "hello-world-1.0" });
    await runSchedule({ policy: { newest: 2 } }, async (schedule) => {
      for (const path of [...versions, other]) {
        await schedule.publish(path);
        schedule.now += HOUR;
      }
      schedule.now += 2 * DAY;
      const [first, ...kept] = versions as [SchedulePath, ...SchedulePath[]];
      expect(await livePaths(schedule)).toEqual([...kept, other].map(({ hash }) => hash));
      expect(await schedule.core.why(first.hash)).toMatchObject({ state: "going" });
      expect(await schedule.core.why(other.hash)).toMatchObject({ state: "kept", rule: "newest" });
    });
  });

  it("counts a use for the age with KEEP_SINCE=use, and not with push", async () => {
    const path = schedulePath("a");
    for (const since of ["use", "push"] as const) {
      await runSchedule({ policy: { since, ageMilliseconds: 40 * DAY } }, async (schedule) => {
        await schedule.publish(path);
        schedule.now += 39 * DAY;
        await schedule.core.noteUsed([path.hash]);
        schedule.now += 3 * DAY;
        expect(await livePaths(schedule)).toEqual(since === "use" ? [path.hash] : []);
      });
    }
  });
});
