import { describe, expect, it } from "vitest";
import {
  condemnGlibc,
  DAY,
  deleteGlibcWithoutAnswer,
  glibc,
  hello,
  HOUR,
  MINUTE,
  runSchedule,
  world,
} from "../../../../testkit/workerd/retention-schedule.ts";

describe("a push beside a collection", () => {
  it("keeps what a pusher was told of, for a day", async () => {
    for (const isLeased of [true, false]) {
      await runSchedule({}, async (schedule) => {
        await condemnGlibc(schedule);
        if (isLeased) await schedule.core.lease({ paths: [glibc.hash] });
        await schedule.pass(DAY - MINUTE);
        expect(await schedule.publish(hello)).toBe(isLeased ? "ok" : "collected");
      });
    }
  });

  it("keeps the NAR of a signed upload from its signing, for a day", async () => {
    for (const isLeased of [true, false]) {
      await runSchedule({}, async (schedule) => {
        await schedule.publish(glibc);
        while (schedule.has(glibc)) await schedule.pass(HOUR);
        // Somebody asks to upload the NAR and is told that it is stored.
        await schedule.pass(30 * DAY - HOUR);
        if (isLeased) await schedule.core.lease({ nars: [glibc.nar] });
        await schedule.pass(DAY - HOUR);
        expect(schedule.hasNar(glibc)).toBe(isLeased);
      });
    }
  });

  it("signs no upload of a NAR that is being deleted", async () => {
    await runSchedule({}, async (schedule) => {
      const deletion = schedule.loseAnswerOf(glibc.nar);
      await schedule.publish(glibc);
      while (!deletion.isSent()) await schedule.pass(10 * MINUTE);
      expect(await schedule.core.lease({ nars: [glibc.nar] })).toMatchObject({
        busyNars: [glibc.nar],
      });
      deletion.act();
      await schedule.pass(20 * MINUTE);
      expect(await schedule.core.lease({ nars: [glibc.nar] })).toMatchObject({ busyNars: [] });
    });
  });

  it("stores no NAR in the first minutes of a catalog: an old deletion may still act", async () => {
    await runSchedule({}, async (schedule) => {
      schedule.lose();
      const { retryMilliseconds } = await schedule.core.lease({ nars: [glibc.nar] });
      expect(retryMilliseconds).toBe(11 * MINUTE);
      schedule.now += 11 * MINUTE;
      expect((await schedule.core.lease({ nars: [glibc.nar] })).retryMilliseconds).toBeUndefined();
    });
  });

  it("takes a removed reference that the pusher leaves to another cache", async () => {
    await runSchedule({}, async (schedule) => {
      await condemnGlibc(schedule);
      await schedule.pass(DAY);
      expect(await schedule.publish(hello)).toBe("collected");
      expect(await schedule.publish(hello, [glibc])).toBe("ok");
    });
  });

  it("takes a removed path again, and what refers to it, before its note has come", async () => {
    await runSchedule({}, async (schedule) => {
      await condemnGlibc(schedule);
      await schedule.pass(DAY);
      expect(await schedule.announce(glibc)).toBe("ok");
      schedule.putNar(glibc);
      schedule.putNarinfo(glibc);
      expect(await schedule.publish(world)).toBe("ok");
      expect(schedule.losses()).toEqual([]);
    });
  });

  it("takes a path whose deletion failed once the bucket says that it is there", async () => {
    await runSchedule({}, async (schedule) => {
      await deleteGlibcWithoutAnswer(schedule);
      expect(await schedule.publish(hello)).toBe("collected");
      await schedule.pass(12 * MINUTE);
      expect(await schedule.publish(hello)).toBe("ok");
      await schedule.pass(40 * DAY);
      expect(schedule.losses()).toEqual([]);
    });
  });
});
