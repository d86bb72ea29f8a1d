import { describe, expect, it } from "vitest";
import { parseNarUrl } from "../../../../src/nix/object-key.ts";
import {
  forgetStoredNar,
  noteStoredNar,
  withStoredNars,
} from "../../../../src/worker/ingest/batch/stored-nars.ts";
import { commitDeletion } from "../../../../src/worker/ingest/commit.ts";
import { valueOf } from "../../../../testkit/value-of.ts";
import { createPush } from "../../../../testkit/workerd/push.ts";

const narOf = (number: number) =>
  valueOf(parseNarUrl(`nar/${String(number).padStart(52, "0")}.nar.zst`));
const NAR = narOf(1);

function pushAt(now: { milliseconds: number }) {
  const push = createPush();
  return { ...push, clock: { ...push.clock, now: () => new Date(now.milliseconds) } };
}

describe("withStoredNars", () => {
  it("answers for a NAR that was just stored, without a request", async () => {
    const push = createPush();
    noteStoredNar(NAR, 7, push);
    expect((await withStoredNars(push).head(NAR.path))?.sizeBytes).toBe(7);
    expect(push.bucket.calls).toEqual([]);
  });

  it("asks the bucket for any other, and again after a minute", async () => {
    const now = { milliseconds: 0 };
    const push = pushAt(now);
    noteStoredNar(NAR, 7, push);
    expect(await withStoredNars(push).head(narOf(2).path)).toBeUndefined();
    now.milliseconds = 60_000;
    expect(await withStoredNars(push).head(NAR.path)).toBeUndefined();
    expect(push.bucket.calls).toHaveLength(2);
  });

  it("asks the bucket for a NAR that was deleted", async () => {
    const push = createPush();
    noteStoredNar(NAR, 7, push);
    forgetStoredNar(NAR.path, push);
    expect(await withStoredNars(push).head(NAR.path)).toBeUndefined();
  });

  it("asks the bucket for a NAR that was stored while it was deleted", async () => {
    const push = createPush({
      before: (call) => {
        if (call.startsWith("delete ")) noteStoredNar(NAR, 7, push);
      },
    });
    push.bucket.setText(NAR.path, "a NAR..");
    await commitDeletion(NAR, push, push.edgeContext);
    expect(await withStoredNars(push).head(NAR.path)).toBeUndefined();
  });

  it("remembers 4,096 NARs, the newest (law 7)", () => {
    const push = createPush();
    for (let number = 0; number < 5000; number++) noteStoredNar(narOf(number), 7, push);
    expect(push.memory.storedNars.size).toBe(4096);
    expect([...push.memory.storedNars.keys()].at(-1)).toContain(narOf(4999).path);
  });
});
