import { describe, expect, it } from "vitest";
import { CacheError } from "../../../src/worker/cache-error.ts";
import { ABSENCE_RULES } from "../../../src/worker/absence/absence-rules.ts";
import { createPublicationMarks } from "../../../src/worker/absence/publication-marks.ts";
import { createMemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const hashOf = (at: number) =>
  String(at).padStart(32, "0").split("").toReversed().join("") as never;

function setUp(before?: () => void) {
  const bucket = createMemoryBucket(before === undefined ? {} : { before });
  const noted: string[] = [];
  let now = 0;
  const marks = createPublicationMarks(
    { bucket, rules: ABSENCE_RULES, now: () => now },
    { notePublished: (prefixes) => noted.push(...prefixes) },
  );
  const pass = (milliseconds: number) => (now += milliseconds);
  return { marks, bucket, noted, pass };
}

describe("mark", () => {
  it("writes one marker for up to 52 paths, and tells the isolate", async () => {
    const { marks, bucket, noted } = setUp();
    await marks.mark(Array.from({ length: 60 }, (_, at) => hashOf(at)));
    expect(bucket.objects.size).toBe(2);
    expect(noted).toHaveLength(60);
  });

  it("does not mark a path again within a minute, and does so later", async () => {
    const { marks, bucket, pass } = setUp();
    await Promise.all([marks.mark([hashOf(1), hashOf(2)]), marks.mark([hashOf(1)])]);
    pass(59_999);
    await marks.mark([hashOf(2)]);
    expect(bucket.objects.size).toBe(1);
    pass(1);
    await marks.mark([hashOf(2)]);
    expect(bucket.objects.size).toBe(2);
  });

  it("fails for each path whose marker failed, and tries again the next time", async () => {
    let fails = true;
    const { marks, bucket } = setUp(() => {
      if (fails) throw new CacheError("bucket-unavailable", "no bucket");
    });
    const both = [marks.mark([hashOf(1), hashOf(2)]), marks.mark([hashOf(2)])];
    for (const failure of await Promise.all(both.map(rejectionOf))) {
      expect(failure.code).toBe("bucket-unavailable");
    }
    expect(bucket.objects.size).toBe(0);
    fails = false;
    await marks.mark([hashOf(2)]);
    expect(bucket.objects.size).toBe(1);
  });
});
