import { describe, expect, it } from "vitest";
import { type BatchEnd, publishBatch } from "../../../../src/worker/ingest/batch/publish-batch.ts";
import { keyOfNarinfo } from "../../../../testkit/narinfo.ts";
import { type FakeStorePath, makeStorePath } from "../../../../testkit/store-path.ts";
import { createPush, type TestPush } from "../../../../testkit/workerd/push.ts";

const ALL = { narinfos: 100, narBytes: Infinity, mayTake: () => true };

/** Publishes a path together with its NAR. Returns how it ended. */
async function run({ narinfo, nar }: FakeStorePath, push: TestPush): Promise<BatchEnd | undefined> {
  const ends: BatchEnd[] = [];
  const line = { key: keyOfNarinfo(narinfo), text: narinfo, listing: undefined, nar };
  await publishBatch([line], push, ALL, (end) => void ends.push(end));
  return ends[0];
}

describe("a NAR that comes with its narinfo", () => {
  it("is not dropped from the edge where the path is not published", async () => {
    const push = createPush();
    const path = await makeStorePath("1".repeat(32));
    expect(await run(path, push)).toMatchObject({ outcome: "published" });
    expect(push.bucket.objects.has(path.narPath.slice(1))).toBe(true);
    expect(push.forgotten).not.toContain(path.narPath.slice(1));
  });

  it("is dropped from the edge where the path is published, whose NAR it may repair", async () => {
    const push = createPush();
    const path = await makeStorePath("1".repeat(32));
    push.bucket.setText(path.narinfoPath.slice(1), path.narinfo);
    push.bucket.setText(path.narPath.slice(1), "cut");
    expect(await run(path, push)).toMatchObject({ outcome: "kept" });
    expect(push.bucket.objects.get(path.narPath.slice(1))?.bytes).toEqual(path.nar);
    expect(push.forgotten).toContain(path.narPath.slice(1));
  });

  it("is dropped from the edge where the narinfo is refused before anybody looks", async () => {
    const bytes = new Uint8Array(32);
    const push = createPush({ rules: { trustedPublicKeys: [{ name: "trusted-1", bytes }] } });
    const path = await makeStorePath("1".repeat(32));
    expect(await run(path, push)).toMatchObject({ failure: { code: "signature-required" } });
    expect(push.forgotten).toContain(path.narPath.slice(1));
  });
});
