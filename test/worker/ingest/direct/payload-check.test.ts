import { describe, expect, it } from "vitest";
import {
  distrustBucket,
  findPayloadCheck,
} from "../../../../src/worker/ingest/direct/payload-check.ts";
import type { ProbeFaults } from "../../../../testkit/fake-probe-folder.ts";
import { createPush, type TestPush } from "../../../../testkit/workerd/push.ts";

const KEPT = ".nargate/payload-check.json";
const DAY = 24 * 3600 * 1000;
const CHECKED = { kind: "checked", header: "x-amz-content-sha256" };

/** The same bucket as another isolate sees it, so many milliseconds later. */
function later(push: TestPush, milliseconds: number, options = {}): TestPush {
  const other = createPush({ probeFaults: {}, ...options });
  const clock = { ...push.clock, now: () => new Date(Date.now() + milliseconds) };
  return { ...other, bucket: push.bucket, clock };
}

describe("findPayloadCheck", () => {
  it("probes by the second header if the bucket ignores the first", async () => {
    const push = createPush({ probeFaults: { ignoresHash: true } });
    expect(await findPayloadCheck(push)).toMatchObject({ kind: "unchecked" });
    expect(push.probes).toEqual(["x-amz-content-sha256", "x-amz-checksum-sha256"]);
  });

  it.each([{ acceptsOld: true }, { storesHalves: true }, { acceptsUnsigned: "x-amz-meta-probe" }])(
    "does not probe by the second header where that cannot help: %j",
    async (probeFaults) => {
      const push = createPush({ probeFaults: probeFaults as ProbeFaults });
      expect(await findPayloadCheck(push)).toMatchObject({ kind: "unchecked" });
      expect(push.probes).toEqual(["x-amz-content-sha256"]);
    },
  );

  it("keeps a result for a week, for all isolates", async () => {
    const push = createPush({ probeFaults: {} });
    expect(await findPayloadCheck(push)).toEqual(CHECKED);
    const sixDays = later(push, 6 * DAY);
    expect(await findPayloadCheck(sixDays)).toEqual(CHECKED);
    expect(sixDays.probes).toEqual([]);
    const eightDays = later(push, 8 * DAY);
    await findPayloadCheck(eightDays);
    expect(eightDays.probes).toEqual(["x-amz-content-sha256"]);
  });

  it("does not take the result of another bucket, whose objects were copied here", async () => {
    const push = createPush({ probeFaults: {} });
    await findPayloadCheck(push);
    const other = later(push, 0);
    const moved = { ...other, cache: { ...other.cache, bucketId: "another" } };
    await findPayloadCheck(moved);
    expect(other.probes).toHaveLength(1);
  });

  it.each(["", "{", "[]", "null", '{"kind":"checked"}', "{}"])(
    "probes again if the object holds %j",
    async (text) => {
      const push = createPush({ probeFaults: {} });
      push.bucket.setText(KEPT, text);
      expect(await findPayloadCheck(push)).toEqual(CHECKED);
      expect(push.probes).toHaveLength(1);
    },
  );

  it("believes no result of the future", async () => {
    const push = createPush({ probeFaults: {} });
    await findPayloadCheck(later(push, 30 * DAY));
    await findPayloadCheck(push);
    expect(push.probes).toHaveLength(1);
  });

  it("does not probe while the bucket does not say whether the way is switched off", async () => {
    const push = createPush({
      probeFaults: {},
      before: (call) => {
        if (call === `read ${KEPT}`) throw new Error("down");
      },
    });
    expect(await findPayloadCheck(push)).toEqual({ kind: "unknown" });
    expect(push.probes).toEqual([]);
  });

  it("probes once at a time", async () => {
    const push = createPush({ probeFaults: {} });
    const found = await Promise.all([findPayloadCheck(push), findPayloadCheck(push)]);
    expect(push.probes).toHaveLength(1);
    expect(found).toContainEqual(CHECKED);
  });

  it("takes a result although the bucket does not keep it", async () => {
    const push = createPush({
      probeFaults: {},
      before: (call) => {
        if (call === `put ${KEPT}`) throw new Error("full");
      },
    });
    expect(await findPayloadCheck(push)).toEqual(CHECKED);
    expect(push.lines.map(({ code }) => code)).toContain("payload-check-not-kept");
  });
});

describe("distrustBucket", () => {
  it.each(["this isolate", "another isolate"])("stays while a probe of %s runs", async (whose) => {
    const push = createPush({ probeFaults: {} });
    const prober = whose === "this isolate" ? push : later(push, 0);
    const open = prober.openProbe;
    const racing = {
      ...prober,
      openProbe: (header: Parameters<typeof open>[0]) => {
        const folder = open(header);
        return {
          ...folder,
          async sleep() {
            await distrustBucket(push);
          },
        };
      },
    };
    expect((await findPayloadCheck(racing)).kind).toBe("unchecked");
    expect((await findPayloadCheck(later(push, 400 * DAY))).kind).toBe("unchecked");
  });

  it("holds for good, in every isolate", async () => {
    const push = createPush({ probeFaults: {} });
    await findPayloadCheck(push);
    await distrustBucket(push);
    const wrong = { kind: "unchecked", because: "stored other bytes than it had proved" };
    expect(await findPayloadCheck(push)).toEqual(wrong);
    const muchLater = later(push, 400 * DAY);
    expect(await findPayloadCheck(muchLater)).toEqual(wrong);
    expect(muchLater.probes).toEqual([]);
  });
});
