import { describe, expect, it } from "vitest";
import {
  DAY,
  runSchedule,
  type RetentionSchedule,
  schedulePath,
  type SchedulePath,
} from "../../../../testkit/workerd/retention-schedule.ts";

/** Each NAR has one byte. */
const BUDGET = { ageMilliseconds: undefined, budgetBytes: 3 };

async function planned({ core, settle, context }: RetentionSchedule): Promise<string> {
  await core.collect({ kind: "plan", by: "root" });
  await settle();
  return context.sql
    .all<{ hash: string }>("SELECT hash FROM path WHERE condemned_at IS NULL ORDER BY hash")
    .map(({ hash }) => hash.charAt(0))
    .join("");
}

async function publishDaily(schedule: RetentionSchedule, paths: readonly SchedulePath[]) {
  for (const path of paths) {
    await schedule.publish(path);
    schedule.now += DAY;
  }
  schedule.now += 2 * DAY;
}

const lonely = Array.from("012345", (digit) => schedulePath(digit));

const pinFirst = async () => [lonely[0]?.hash as SchedulePath["hash"]];

describe("a size budget", () => {
  it("lets the oldest go first, whatever their age", async () => {
    await runSchedule({ policy: BUDGET }, async (schedule) => {
      await publishDaily(schedule, lonely);
      expect(await planned(schedule)).toBe("345");
      const { last } = await schedule.core.readRetention();
      expect(last).toMatchObject({ condemned: 3, condemnedBytes: 3, kept: { young: 3 } });
      expect(last?.budgetCutoff).toBeLessThan(schedule.now);
    });
  });

  it("keeps what is pinned, and gives up younger paths for that", async () => {
    await runSchedule({ policy: BUDGET, readPins: pinFirst }, async (schedule) => {
      await publishDaily(schedule, lonely);
      expect(await planned(schedule)).toBe("045");
    });
  });

  it("counts what the younger paths need", async () => {
    const [first, second, third] = lonely as unknown as [SchedulePath, SchedulePath, SchedulePath];
    const needy = schedulePath("9", [first, second]);
    await runSchedule({ policy: BUDGET }, async (schedule) => {
      await publishDaily(schedule, [first, second, third, schedulePath("3"), needy]);
      expect(await planned(schedule)).toBe("019");
    });
  });

  it("keeps all of the last day, even if that is more", async () => {
    await runSchedule({ policy: BUDGET }, async (schedule) => {
      for (const path of lonely) await schedule.publish(path);
      expect(await planned(schedule)).toBe("012345");
    });
  });

  it("keeps everything that fits", async () => {
    await runSchedule({ policy: { ...BUDGET, budgetBytes: 6 } }, async (schedule) => {
      await publishDaily(schedule, lonely);
      expect(await planned(schedule)).toBe("012345");
    });
  });
});
