import { describe, expect, it } from "vitest";
import { createFillableCatalog, hashAt } from "../../../testkit/workerd/fillable-catalog.ts";
import { createTestCatalog } from "../../../testkit/workerd/catalog.ts";
import { createMemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";
import { DAY, glibc, HOUR, runSchedule } from "../../../testkit/workerd/retention-schedule.ts";

const NOTHING = { bytes: new Uint8Array(1), contentType: "" };

describe("a bucket with names that are percent-encoded", () => {
  it("deletes no NAR whose name an odd object has in percent-encoding", async () => {
    await runSchedule({ policy: { ageMilliseconds: 400 * DAY } }, async (schedule) => {
      // Another tool stored an object whose key holds a "%".
      schedule.bucket.objects.set(glibc.nar.replace("nar/0", "nar/%30"), NOTHING);
      await schedule.publish(glibc);
      await schedule.pass(40 * DAY);
      expect(schedule.losses()).toEqual([]);
    });
  });

  it("takes no odd object for a narinfo", async () => {
    await runSchedule({}, async (schedule) => {
      await schedule.publish(glibc);
      schedule.bucket.setText(`%68${"h".repeat(31)}.narinfo`, "");
      await schedule.pass(DAY + HOUR);
      // It is no write past the gateway, which would keep every path.
      const floor = schedule.context.sql.all("SELECT value FROM meta WHERE key = 'usedFloor'");
      expect(floor).toEqual([]);
    });
  });
});

describe("a bucket with more folders than a step may list", () => {
  it("ends its listing", async () => {
    const bucket = createMemoryBucket();
    // A page of S3 counts folders too, and this one has nothing but folders.
    const list = bucket.list;
    bucket.list = async (start, page = {}) => {
      if (page.isFlat !== true) return await list(start, page);
      const at = Number(page.continuation ?? "0");
      if (at < 6) {
        bucket.calls.push("folders");
        return { objects: [], continuation: String(at + 1), isLast: false };
      }
      return await list(start, { isFlat: true });
    };
    const catalog = createTestCatalog({ bucket });
    await expect(catalog.settle()).resolves.toBeGreaterThan(0);
    expect((await catalog.readStatus()).completeAt).toBeDefined();
  });
});

describe("a narinfo that is larger than the database takes", () => {
  it("is known, with as many signatures as a push may write", async () => {
    const { bucket } = createFillableCatalog();
    const hash = hashAt(7);
    const text = glibc.text.replaceAll("g".repeat(32), hash);
    const signature = `Sig: a-1:${"\\".repeat(2000)}\n`;
    bucket.setText(`${hash}.narinfo`, text + signature.repeat(900));
    const catalog = createTestCatalog({
      bucket,
      change: (context) => ({
        ...context,
        sql: {
          ...context.sql,
          // As Cloudflare does, and workerd on a developer's machine does not.
          all(query, ...bindings) {
            if (bindings.some((one) => typeof one === "string" && one.length > 2_000_000)) {
              throw new Error("string or blob too big: SQLITE_TOOBIG");
            }
            return context.sql.all(query, ...bindings);
          },
        },
      }),
    });
    for (let steps = 0; steps < 12; steps++) {
      await catalog.settle();
      catalog.now += HOUR;
    }
    const status = await catalog.readStatus();
    expect(status).toMatchObject({ failure: undefined, unreadable: 0, paths: 1 });
    expect(status.completeAt).toBeDefined();
  });
});

describe("a narinfo that another tool wrote, whose URL has a server", () => {
  it("keeps the NAR of this cache that the URL may mean", async () => {
    await runSchedule({ policy: { ageMilliseconds: 400 * DAY } }, async (schedule) => {
      const text = glibc.text.replace("URL: ", "URL: https://cache.example.org/");
      schedule.putNar(glibc);
      schedule.putNarinfo({ ...glibc, text });
      await schedule.pass(40 * DAY);
      expect(schedule.losses()).toEqual([]);
    });
  });
});
