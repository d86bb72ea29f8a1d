import { describe, expect, it } from "vitest";
import {
  condemnGlibc,
  DAY,
  deleteGlibcWithoutAnswer,
  glibc,
  hello,
  HOUR,
  MINUTE,
  type RetentionSchedule,
  runSchedule,
  type ScheduleOptions,
  schedulePath,
} from "../../../../testkit/workerd/retention-schedule.ts";

interface Safeguard {
  readonly what: string;
  readonly options?: ScheduleOptions;
  /** How the safeguard is taken away, if by an option. */
  readonly without?: ScheduleOptions;
  /** Plays the schedule. Returns what was lost. */
  play(schedule: RetentionSchedule, isSafe: boolean): Promise<readonly string[]>;
}

const SAFEGUARDS: readonly Safeguard[] = [
  {
    what: "an announced path needs its references at once",
    async play(schedule, isSafe) {
      await condemnGlibc(schedule);
      if (isSafe) await schedule.announce(hello);
      schedule.putNar(hello);
      // The sweep runs between the look at what hello needs and its PUT.
      await schedule.pass(DAY);
      schedule.putNarinfo(hello);
      return schedule.losses();
    },
  },
  {
    what: "a narinfo that refers to a removed path is refused",
    async play(schedule, isSafe) {
      await condemnGlibc(schedule);
      await schedule.pass(DAY);
      expect(schedule.has(glibc)).toBe(false);
      const verdict = await schedule.announce(hello);
      expect(verdict).toBe("collected");
      if (isSafe) return schedule.losses();
      schedule.putNar(hello);
      schedule.putNarinfo(hello);
      return schedule.losses();
    },
  },
  {
    what: "a removed path is remembered for longer than clients and the edge remember it",
    without: { rules: { tombstoneMilliseconds: 30 * DAY } },
    async play(schedule) {
      await condemnGlibc(schedule);
      while (schedule.has(glibc)) await schedule.pass(HOUR);
      // An edge has told of it for 25 hours more, and Nix believes that for 30 days.
      await schedule.pass(30 * DAY + 25 * HOUR - 2 * HOUR);
      await schedule.publish(hello);
      return schedule.losses();
    },
  },
  {
    what: "a path that is announced again, and is not there yet, counts as removed",
    async play(schedule, isSafe) {
      await condemnGlibc(schedule);
      await schedule.pass(DAY);
      expect(await schedule.announce(glibc)).toBe("ok");
      // The push of glibc dies here.
      if (!isSafe) schedule.context.sql.all("UPDATE path SET gone_until = NULL");
      await schedule.publish(hello);
      return schedule.losses();
    },
  },
  {
    what: "a removed path that a push announced in vain is still remembered",
    async play(schedule, isSafe) {
      await condemnGlibc(schedule);
      await schedule.pass(DAY);
      expect(await schedule.announce(glibc)).toBe("ok");
      if (!isSafe) schedule.context.sql.all("UPDATE path SET gone_until = NULL");
      await schedule.pass(2 * DAY);
      await schedule.publish(hello);
      return schedule.losses();
    },
  },
  {
    what: "nothing is announced in the first minutes of a catalog",
    without: { rules: { attemptMilliseconds: 0, holdMilliseconds: 0 } },
    async play(schedule) {
      const old = schedulePath("g", [], { narDigit: "n" });
      const deletion = schedule.loseAnswerOf(old.nar);
      await schedule.publish(old);
      while (!deletion.isSent()) await schedule.pass(DAY);
      schedule.lose();
      schedule.now += MINUTE;
      // The NAR is still there, so the push does not store it.
      expect(schedule.hasNar(old)).toBe(true);
      if ((await schedule.announce(old)) === "ok") schedule.putNarinfo(old);
      schedule.now += 5 * MINUTE;
      deletion.act();
      return schedule.losses();
    },
  },
  {
    what: "a deletion without an answer holds the path",
    without: { rules: { holdMilliseconds: 0, attemptMilliseconds: 0 } },
    async play(schedule) {
      const deletion = await deleteGlibcWithoutAnswer(schedule);
      await schedule.pass(MINUTE);
      await schedule.publish(hello);
      deletion.act();
      return schedule.losses();
    },
  },
  {
    what: "a deletion without an answer holds the path over a restart",
    async play(schedule, isSafe) {
      const deletion = await deleteGlibcWithoutAnswer(schedule);
      schedule.reopen();
      if (!isSafe) schedule.context.sql.all("UPDATE path SET state = 1 WHERE state = 3");
      await schedule.pass(MINUTE);
      await schedule.publish(hello);
      deletion.act();
      return schedule.losses();
    },
  },
  {
    what: "nothing is published under a name that is being deleted",
    async play(schedule, isSafe) {
      const deletion = await deleteGlibcWithoutAnswer(schedule);
      const verdict = await schedule.announce(glibc);
      expect(verdict).toBe("busy");
      if (!isSafe) {
        // It is published all the same, and what needs it follows.
        schedule.putNarinfo(glibc);
        schedule.putNarinfo(hello);
        schedule.putNar(hello);
      }
      deletion.act();
      return schedule.losses();
    },
  },
  {
    what: "a NAR whose deletion got no answer is held",
    without: { rules: { holdMilliseconds: 0, attemptMilliseconds: 0 } },
    async play(schedule) {
      const deletion = schedule.loseAnswerOf(glibc.nar);
      await schedule.publish(glibc);
      while (!deletion.isSent()) await schedule.pass(10 * MINUTE);
      await schedule.pass(MINUTE);
      // The push finds the NAR in place.
      expect(schedule.hasNar(glibc)).toBe(true);
      if ((await schedule.announce(glibc)) === "ok") schedule.putNarinfo(glibc);
      deletion.act();
      return schedule.losses();
    },
  },
  {
    what: "a deletion is sent once: a repeated one says nothing about the first",
    async play(schedule, isSafe) {
      const late: (() => void)[] = [];
      const once = schedule.bucket.delete;
      schedule.bucket.delete = async (path, options) => {
        if (path !== `${glibc.hash}.narinfo`) return await once(path, options);
        late.push(() => void schedule.bucket.objects.delete(path));
        // The first attempt gets no answer, and acts in some minutes.
        if (isSafe && options?.once === true) throw new Error("no answer");
        await once(path, options);
      };
      await condemnGlibc(schedule);
      while (late.length === 0) await schedule.pass(MINUTE);
      await schedule.publish(glibc);
      await schedule.publish(hello);
      late[0]?.();
      return schedule.losses();
    },
  },
  {
    what: "a PUT that leaves late asks again",
    async play(schedule, isSafe) {
      await condemnGlibc(schedule);
      await schedule.announce(hello);
      await schedule.pass(5 * DAY);
      schedule.putNar(hello);
      if (!isSafe || (await schedule.announce(hello)) === "ok") schedule.putNarinfo(hello);
      return schedule.losses();
    },
  },
  {
    what: "of two pushes of one path, the bucket tells which one won",
    async play(schedule, isSafe) {
      const first = schedulePath("h", [], { narDigit: "1" });
      const second = schedulePath("h", [], { narDigit: "2" });
      for (const one of [first, second]) {
        await schedule.announce(one);
        schedule.putNar(one);
      }
      schedule.putNarinfo(first);
      schedule.putNarinfo(second);
      const { sql } = schedule.context;
      if (!isSafe) sql.all("UPDATE path SET intents = 1");
      await schedule.note(second);
      await schedule.note(first);
      if (!isSafe) {
        // The listing takes the object for what the last note said: its length is the same.
        const page = await schedule.bucket.list(first.hash);
        sql.all("UPDATE path SET version = ?", page.objects[0]?.etag ?? null);
      }
      schedule.reopen({ readPins: async () => [first.hash] });
      await schedule.pass(40 * DAY);
      return schedule.losses();
    },
  },
  {
    what: "nothing is removed beside a narinfo that cannot be read",
    options: { readPins: async () => [hello.hash] },
    async play(schedule, isSafe) {
      await schedule.publish(glibc);
      schedule.putNar(hello);
      schedule.putNarinfo(hello);
      // As Nix writes it with narinfo-compression: to the gateway these are bytes.
      schedule.bucket.setText(`${hello.hash}.narinfo`, "\u00fd7zXZ");
      await schedule.core.relist();
      await schedule.pass(HOUR);
      for (let day = 0; day < 8; day++) {
        if (!isSafe) schedule.context.sql.all("UPDATE path SET problem = NULL");
        await schedule.pass(DAY);
      }
      return schedule.losses();
    },
  },
  {
    what: "a listing is demanded that is new and began after all pushes announced",
    async play(schedule, isSafe) {
      await schedule.publish(glibc);
      schedule.reopen({ policy: { ...OFF } });
      // Nothing tells the catalog of hello, and the bucket lists nothing any more.
      schedule.putNar(hello);
      schedule.putNarinfo(hello);
      schedule.hooks = {
        before(call) {
          if (call === "list ") throw new Error("the bucket is down");
        },
      };
      schedule.now += HOUR;
      schedule.reopen();
      for (let hours = 0; hours < 8 * 24; hours += 6) {
        await schedule.core.collect({ kind: "run", by: "operator" });
        if (!isSafe) {
          const { sql } = schedule.context;
          sql.all("UPDATE meta SET value = ? WHERE key = 'listedFrom'", schedule.now);
          sql.all("UPDATE meta SET value = '' WHERE key = 'listing'");
        }
        await schedule.pass(6 * HOUR);
      }
      return schedule.losses();
    },
  },
  {
    what: "nothing is removed while a pin cannot be read",
    async play(schedule, isSafe) {
      await schedule.publish(glibc);
      schedule.reopen({
        readPins: async () => {
          if (isSafe) throw new Error("the pin cannot be read");
          return [];
        },
      });
      await schedule.pass(8 * DAY);
      const { obstacles } = await schedule.core.readRetention();
      expect(obstacles.join()).toContain(isSafe ? "the pins cannot be read" : "");
      return schedule.has(glibc) ? [] : ["the pinned path is gone"];
    },
  },
];

const OFF = {
  isCollecting: false,
  ageMilliseconds: undefined,
  since: "use",
  newest: 0,
  budgetBytes: undefined,
} as const;

describe("each safeguard of collection is needed", () => {
  it.each(SAFEGUARDS)("$what", async ({ options = {}, without = {}, play }) => {
    expect(await runSchedule(options, async (schedule) => await play(schedule, true))).toEqual([]);
    const lost = await runSchedule(
      { ...options, ...without },
      async (schedule) => await play(schedule, false),
    );
    expect(lost).not.toEqual([]);
  });
});
