import { describe, expect, it } from "vitest";
import { RETENTION_RULES } from "../../../../src/worker/catalog/retention/retention-rules.ts";
import { sweepNars } from "../../../../src/worker/catalog/retention/sweep-nars.ts";
import { SWEEP_START, sweepPaths } from "../../../../src/worker/catalog/retention/sweep-paths.ts";
import {
  condemnGlibc,
  DAY,
  glibc,
  hello,
  HOUR,
  MINUTE,
  ONE_DAY,
  type RetentionSchedule,
  runSchedule,
  schedulePath,
} from "../../../../testkit/workerd/retention-schedule.ts";

const LIMITS = { requests: 10, atOnce: 2 };

const contextOf = (schedule: RetentionSchedule) => ({
  ...schedule.context,
  policy: ONE_DAY,
  rules: RETENTION_RULES,
  readPins: async () => [],
});

/** Changes the row of glibc, or what is known around it. Returns whether glibc then goes. */
async function isSwept(change: string | ((schedule: RetentionSchedule) => unknown)) {
  return await runSchedule({}, async (schedule) => {
    await condemnGlibc(schedule);
    schedule.now += HOUR;
    if (typeof change === "string") schedule.context.sql.all(change);
    else await change(schedule);
    await sweepPaths(contextOf(schedule), SWEEP_START, LIMITS);
    return !schedule.has(glibc);
  });
}

describe("sweepPaths", () => {
  it("removes a path whose grace is over", async () => {
    expect(await isSwept("SELECT 1")).toBe(true);
  });

  it.each([
    { what: "another path needs", change: "INSERT INTO ref SELECT id, 999 FROM path" },
    { what: "a pin keeps", change: "INSERT INTO kept SELECT hash FROM path" },
    { what: "a push has announced", change: "UPDATE path SET intent_at = 1" },
    { what: "is not condemned any more", change: "UPDATE path SET condemned_at = NULL" },
    {
      what: "was condemned anew",
      change: "UPDATE path SET condemned_at = condemned_at + 86400000",
    },
    {
      what: "an announced path needs, whatever else is wrong with it",
      async change(schedule: RetentionSchedule) {
        await schedule.announce(hello);
        schedule.context.sql.all("UPDATE path SET condemned_at = 1 WHERE hash = ?", glibc.hash);
      },
    },
    {
      what: "a narinfo needs that nobody announced",
      async change(schedule: RetentionSchedule) {
        await schedule.note(hello);
        const [row] = schedule.context.sql.all<{ condemned_at: number | null }>(
          "SELECT condemned_at FROM path WHERE hash = ?",
          glibc.hash,
        );
        expect(row?.condemned_at).toBeNull();
      },
    },
  ])("keeps a path that $what", async ({ change }) => {
    expect(await isSwept(change)).toBe(false);
  });
});

/** The same for the NAR of glibc, when its narinfo is gone for 31 days. */
async function isNarSwept(change: string): Promise<boolean> {
  return await runSchedule({}, async (schedule) => {
    const { sql } = schedule.context;
    await schedule.publish(glibc);
    while (schedule.has(glibc)) await schedule.pass(HOUR);
    await schedule.pass(29 * DAY);
    schedule.now += 2 * DAY;
    sql.all("UPDATE meta SET value = ? WHERE key = 'listedFrom'", schedule.now - HOUR);
    sql.all(change.replace("NOW", String(schedule.now)));
    await sweepNars(contextOf(schedule), "", LIMITS);
    return !schedule.hasNar(glibc);
  });
}

describe("sweepNars", () => {
  it("removes a NAR that nothing has named for its grace", async () => {
    expect(await isNarSwept("SELECT 1")).toBe(true);
  });

  it.each([
    { what: "a narinfo names", change: `UPDATE path SET nar = '${glibc.nar}'` },
    {
      what: "an announced narinfo may name",
      change: `INSERT INTO intent_nar VALUES ('${glibc.nar}', 1)`,
    },
    { what: "an upload has leased", change: "UPDATE loose_nar SET leased_until = NOW + 1" },
    { what: "was named a short time ago", change: "UPDATE loose_nar SET since = NOW - 86400000" },
    {
      what: "no listing has looked for since",
      change: "UPDATE meta SET value = (SELECT since FROM loose_nar) WHERE key = 'listedFrom'",
    },
  ])("keeps a NAR that $what", async ({ change }) => {
    expect(await isNarSwept(change)).toBe(false);
  });
});

describe("what a push has announced", () => {
  const one = schedulePath("h", [], { narDigit: "1" });
  const other = schedulePath("h", [], { narDigit: "2" });
  const rowOf = ({ context }: RetentionSchedule) =>
    context.sql.all<{ nar: string | null; intent_at: number | null }>(
      "SELECT nar, intent_at FROM path WHERE hash = ?",
      one.hash,
    )[0];

  it("is settled by its note, or by the bucket if two pushes have announced it", async () => {
    await runSchedule({}, async (schedule) => {
      await schedule.publish(one);
      expect(rowOf(schedule)?.intent_at).toBeNull();
      await schedule.announce(one);
      await schedule.announce(other);
      schedule.putNar(other);
      schedule.putNarinfo(other);
      await schedule.note(other);
      await schedule.note(one);
      expect(rowOf(schedule)?.intent_at).not.toBeNull();
      schedule.now += 16 * MINUTE;
      await schedule.core.relist();
      await schedule.settle();
      expect(rowOf(schedule)).toEqual({ nar: other.nar, intent_at: null });
    });
  });

  it("is not settled by a look that began before another push announced it", async () => {
    await runSchedule({}, async (schedule) => {
      await schedule.announce(one);
      schedule.now += 16 * MINUTE;
      let looks = 0;
      schedule.hooks = {
        async before(call) {
          if (call === `read ${one.hash}.narinfo` && ++looks === 1) await schedule.announce(other);
        },
      };
      await schedule.core.relist();
      await schedule.core.step();
      expect(looks).toBe(1);
      expect(rowOf(schedule)?.intent_at).toBe(schedule.now);
    });
  });

  it("is read again by a listing that shows another text of the same length", async () => {
    await runSchedule({}, async (schedule) => {
      await schedule.publish(one);
      schedule.putNar(other);
      schedule.putNarinfo(other);
      expect(other.text.length).toBe(one.text.length);
      await schedule.pass(DAY + HOUR);
      expect(rowOf(schedule)?.nar).toBe(other.nar);
    });
  });
});

describe("a deployment", () => {
  it("lists the bucket anew before it removes anything", async () => {
    await runSchedule({}, async (schedule) => {
      const obstacles = async () => (await schedule.core.readRetention()).obstacles;
      expect(await obstacles()).toEqual([]);
      schedule.reopen({ deployment: "second" });
      expect(await obstacles()).toEqual([expect.stringContaining("a former deployment")]);
      await schedule.pass(HOUR - MINUTE);
      expect(await obstacles()).toHaveLength(1);
      await schedule.pass(MINUTE);
      expect(await obstacles()).toEqual([]);
    });
  });
});
