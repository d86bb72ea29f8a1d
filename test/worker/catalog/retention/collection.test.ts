import { ensureSchema } from "../../../../src/worker/catalog/schema.ts";
import { describe, expect, it } from "vitest";
import {
  DAY,
  glibc,
  hello,
  HOUR,
  runSchedule,
  schedulePath,
  world,
} from "../../../../testkit/workerd/retention-schedule.ts";

describe("a collection", () => {
  it("removes a narinfo three days after its condemnation, and its NAR thirty days later", async () => {
    await runSchedule({}, async (schedule) => {
      await schedule.publish(glibc);
      const pushedAt = schedule.now;
      while (schedule.has(glibc)) await schedule.pass(HOUR);
      const days = (schedule.now - pushedAt) / DAY;
      // A day of age, three days of grace, and up to two days until the next runs.
      expect(days).toBeGreaterThanOrEqual(4);
      expect(days).toBeLessThanOrEqual(6.1);
      const removedAt = schedule.now;
      expect(schedule.hasNar(glibc)).toBe(true);
      while (schedule.hasNar(glibc)) await schedule.pass(HOUR);
      expect((schedule.now - removedAt) / DAY).toBeGreaterThanOrEqual(29.9);
      expect((schedule.now - removedAt) / DAY).toBeLessThanOrEqual(31.1);
      const { last } = await schedule.core.readRetention();
      expect(last).toMatchObject({ by: "schedule", removedNars: 1 });
      expect(await schedule.core.readStatus()).toMatchObject({ paths: 0, narBytes: 0 });
    });
  });

  it("removes referrers before what they refer to, in one run", async () => {
    await runSchedule({}, async (schedule) => {
      for (const path of [glibc, hello, world]) await schedule.publish(path);
      schedule.bucket.calls.length = 0;
      await schedule.pass(8 * DAY);
      const deleted = schedule.bucket.calls
        .filter((call) => /^delete .*narinfo$/.test(call))
        .map((call) => call.charAt("delete ".length));
      expect(deleted.toSorted()).toEqual(["g", "h", "w"]);
      expect(deleted.at(-1)).toBe("g");
      const { last } = await schedule.core.readRetention();
      expect(last?.kind).toBe("run");
    });
  });

  it("keeps what a younger path needs, and its NAR that another narinfo names", async () => {
    const twin = schedulePath("v", [], { narDigit: "g" });
    await runSchedule({}, async (schedule) => {
      await schedule.publish(glibc);
      await schedule.publish(twin);
      for (let day = 0; day < 40; day++) {
        await schedule.publish(twin);
        await schedule.pass(DAY);
      }
      expect([schedule.has(glibc), schedule.has(twin), schedule.hasNar(twin)]).toEqual([
        false,
        true,
        true,
      ]);
    });
  });

  it("keeps what a pin keeps, and all that this needs", async () => {
    await runSchedule({ readPins: async () => [hello.hash] }, async (schedule) => {
      for (const path of [glibc, hello, world]) await schedule.publish(path);
      await schedule.pass(10 * DAY);
      expect([glibc, hello, world].map((path) => schedule.has(path))).toEqual([true, true, false]);
      expect(await schedule.core.why(glibc.hash)).toMatchObject({
        state: "kept",
        rule: "pinned",
        chain: [{ hash: glibc.hash }, { hash: hello.hash }],
      });
      expect(await schedule.core.why(world.hash)).toMatchObject({ state: "removed" });
    });
  });

  it("removes nothing while COLLECT is off, and says why", async () => {
    await runSchedule({ policy: { isCollecting: false } }, async (schedule) => {
      schedule.putNar(glibc);
      schedule.putNarinfo(glibc);
      await schedule.note(glibc);
      for (let day = 0; day < 10; day++) {
        await schedule.core.collect({ kind: "run", by: "root" });
        await schedule.pass(DAY);
      }
      expect(schedule.has(glibc)).toBe(true);
      const { last, obstacles } = await schedule.core.readRetention();
      expect(last?.condemned).toBe(1);
      expect(obstacles).toEqual([expect.stringContaining("COLLECT is off")]);
      // The graces begin when COLLECT is switched on, not before.
      schedule.reopen({ policy: { ...POLICY } });
      await schedule.pass(3 * DAY);
      expect(schedule.has(glibc)).toBe(true);
      await schedule.pass(2 * DAY);
      expect(schedule.has(glibc)).toBe(false);
    });
  });

  it("names the narinfo that it cannot read, and removes nothing", async () => {
    await runSchedule({}, async (schedule) => {
      await schedule.publish(glibc);
      schedule.bucket.setText(`${hello.hash}.narinfo`, "no narinfo");
      await schedule.pass(10 * DAY);
      expect(schedule.has(glibc)).toBe(true);
      const { obstacles } = await schedule.core.readRetention();
      expect(obstacles).toEqual([expect.stringContaining(`${hello.hash}.narinfo cannot be read`)]);
    });
  });

  it("goes on where it was after a restart in any step", async () => {
    await runSchedule({}, async (schedule) => {
      const paths = Array.from("0123456789abcdf", (digit) => schedulePath(digit));
      for (const path of paths) await schedule.publish(path);
      for (let hours = 0; hours < 40 * 24; hours++) {
        schedule.now += HOUR;
        for (let steps = 0; steps < 3; steps++) {
          if (schedule.core.nextStepAt() <= schedule.now) await schedule.core.step();
          schedule.reopen();
        }
      }
      expect([...schedule.bucket.objects.keys()]).toEqual([]);
    });
  });

  it("remembers removed paths when another version of the gateway makes new tables", async () => {
    await runSchedule({}, async (schedule) => {
      await schedule.publish(glibc);
      while (schedule.has(glibc)) await schedule.pass(HOUR);
      const { sql } = schedule.context;
      sql.all("UPDATE meta SET value = 1 WHERE key = 'schema'");
      ensureSchema(sql);
      schedule.reopen();
      expect(await schedule.announce(hello)).toBe("collected");
      schedule.lose();
      expect(await schedule.announce(hello)).toBe("starting");
    });
  });

  it("holds no more names while the bucket deletes nothing", async () => {
    await runSchedule({}, async (schedule) => {
      const digits = "0123456789abcdfghijklmnpqrsvwxyz";
      for (const digit of digits) await schedule.publish(schedulePath(digit));
      const sentAt: number[] = [];
      schedule.hooks = {
        before(call) {
          if (!call.startsWith("delete ")) return;
          sentAt.push(schedule.now);
          throw new Error("no answer");
        },
      };
      await schedule.pass(7 * DAY);
      // One step with 36 requests, two for each path.
      expect(sentAt.filter((at) => at === sentAt[0])).toHaveLength(18);
      schedule.hooks = {};
      await schedule.pass(2 * DAY);
      expect(schedule.context.sql.all("SELECT id FROM path WHERE state IN (1, 3)")).toEqual([]);
    });
  });

  it("lists again, and lets nothing count as old, after a write past the gateway", async () => {
    await runSchedule({}, async (schedule) => {
      await schedule.publish(glibc);
      await schedule.pass(3 * DAY);
      const foreign = schedulePath("z");
      schedule.putNar(foreign);
      schedule.putNarinfo(foreign);
      expect(await schedule.core.why(glibc.hash)).toMatchObject({ state: "going" });
      await schedule.pass(DAY);
      expect(await schedule.core.why(glibc.hash)).toMatchObject({ state: "kept", rule: "young" });
    });
  });
});

const POLICY = {
  isCollecting: true,
  ageMilliseconds: DAY,
  since: "push",
  newest: 0,
  budgetBytes: undefined,
} as const;
