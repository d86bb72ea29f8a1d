import { describe, expect, it } from "vitest";
import {
  DAY,
  glibc,
  hello,
  MINUTE,
  runSchedule,
} from "../../../../testkit/workerd/retention-schedule.ts";
import { hashAt } from "../../../../testkit/workerd/fillable-catalog.ts";

describe("a path that is deleted while a push of it is announced", () => {
  for (const tells of ["the gateway", "a listing"] as const) {
    it(`is remembered, so that what refers to it is refused, as ${tells} tells`, async () => {
      await runSchedule({}, async (schedule) => {
        await schedule.publish(glibc);
        if (tells === "a listing") await schedule.pass(DAY - 5 * MINUTE);
        // A push that finds everything there writes nothing, and tells nothing.
        expect(await schedule.announce(glibc)).toBe("ok");
        schedule.bucket.objects.delete(`${glibc.hash}.narinfo`);
        if (tells === "the gateway") await schedule.core.noteDeleted([glibc.hash]);
        await schedule.pass(DAY);
        expect(await schedule.announce(hello)).toBe("collected");
        expect(await schedule.core.readStatus()).toMatchObject({ paths: 0, narBytes: 0 });
      });
    });
  }
});

describe("a removed closure that is pushed again", () => {
  it("asks the bucket of few of its paths in one call", async () => {
    await runSchedule({}, async (schedule) => {
      const { core } = schedule;
      const hashes = Array.from({ length: 200 }, (_, at) => hashAt(at + 40));
      await core.intend({
        narinfos: hashes.map((hash) => ({ path: `${hash}-a`, nar: undefined, references: [] })),
      });
      await core.noteDeleted(hashes);
      schedule.context.sql.all("UPDATE path SET gone_until = ?", schedule.now + DAY);
      schedule.bucket.calls.length = 0;
      const { verdicts } = (await core.intend({
        narinfos: [
          {
            path: `${glibc.hash}-b`,
            nar: undefined,
            references: hashes.map((hash) => `${hash}-a`),
          },
        ],
      })) as { verdicts: unknown };
      expect(schedule.bucket.calls.length).toBeLessThanOrEqual(36);
      expect(verdicts).toMatchObject([{ kind: "collected" }]);
    });
  });
});

describe("a clock that was ahead and jumps back", () => {
  it("lets nothing be removed until the bucket is listed again, which is soon", async () => {
    await runSchedule({}, async (schedule) => {
      const real = schedule.now;
      schedule.now += 100 * DAY;
      await schedule.settle();
      schedule.now = real;
      expect((await schedule.core.readRetention()).obstacles).toHaveLength(1);
      await schedule.pass(MINUTE);
      expect((await schedule.core.readRetention()).obstacles).toEqual([]);
      expect((await schedule.core.readStatus()).listedFrom).toBeLessThanOrEqual(schedule.now);
    });
  });
});
