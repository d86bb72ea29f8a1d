import { describe, expect, it } from "vitest";
import { CacheError } from "../../../../src/worker/cache-error.ts";
import { parseDirectUpload } from "../../../../src/worker/ingest/direct/direct-upload.ts";
import { beginUpload } from "../../../../src/worker/ingest/direct/begin-upload.ts";
import { type LargeNar, makeLargeNar } from "../../../../testkit/workerd/direct-upload.ts";
import { createPush, type TestPush } from "../../../../testkit/workerd/push.ts";
import {
  completeNar,
  expectRightBytes,
  expectStored,
  openPush,
  sendNar,
  startNar,
} from "../../../../testkit/workerd/push-by-parts.ts";

/** What a client does: start, send what is missing, complete. */
async function round(nar: LargeNar, push: TestPush): Promise<void> {
  const started = await beginUpload(nar.key, nar.bytes.byteLength, push, new Date());
  if (started.kind === "stored") return;
  await sendNar(nar, started, push);
  await completeNar(started.upload, push);
}

describe("an upload that breaks off after any request to the bucket", () => {
  it.each([
    { what: "before it takes effect", when: "before" as const },
    { what: "after it took effect", when: "after" as const },
  ])("$what is ended by doing it once more", async ({ when }) => {
    const nar = await makeLargeNar();
    let points = 0;
    for (let failing = 1, hasFailed = true; hasFailed; failing++) {
      hasFailed = false;
      let calls = 0;
      const push = createPush({
        [when]: (call: string) => {
          if (++calls !== failing) return;
          hasFailed = true;
          throw new CacheError("bucket-unavailable", call);
        },
      });
      await round(nar, push).catch((error: unknown) => {
        if (!(error instanceof CacheError)) throw error;
      });
      if (push.bucket.objects.has(nar.key.path)) await expectRightBytes(nar, push.bucket);
      calls = Infinity;
      await round(nar, push);
      await expectStored(nar, push);
      points = failing;
    }
    // Or it would have been broken off nowhere.
    expect(points).toBeGreaterThan(10);
  });

  it("is ended by completing once more, if it had begun to complete", async () => {
    const nar = await makeLargeNar();
    for (let failing = 1, hasFailed = true; hasFailed; failing++) {
      hasFailed = false;
      let calls = -Infinity;
      const push = createPush({
        after: (call) => {
          if (++calls !== failing) return;
          hasFailed = true;
          throw new CacheError("bucket-unavailable", call);
        },
      });
      const started = await startNar(nar, push);
      await sendNar(nar, started, push);
      calls = 0;
      await completeNar(started.upload, push).catch(() => {});
      calls = Infinity;
      await completeNar(started.upload, push);
      await expectStored(nar, push);
    }
  });
});

/** What its client does until the NAR is stored: whatever is gone or changed, it starts again. */
async function pushPatiently(nar: LargeNar, push: TestPush): Promise<void> {
  const mayPass = ["upload-gone", "upload-changed", "upload-incomplete"];
  for (let left = 20; left > 0; left--) {
    try {
      await round(nar, push);
      return;
    } catch (error) {
      if (!(error instanceof CacheError && mayPass.includes(error.code))) throw error;
    }
  }
  throw new Error("it never ends");
}

describe("uploads of one NAR by one token at the same time", () => {
  it.each(Array.from({ length: 8 }, (_, seed) => seed))(
    "end well, however they meet: %i",
    async (seed) => {
      const nar = await makeLargeNar();
      let state = seed;
      const meet = async () => {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
        for (let turns = (state >> 16) % 40; turns > 0; turns--) await Promise.resolve();
      };
      const push = createPush({ before: meet, after: meet });
      await Promise.all(Array.from({ length: 3 }, () => pushPatiently(nar, push)));
      await pushPatiently(nar, push);
      await expectStored(nar, push);
    },
  );
});

describe("parseDirectUpload", () => {
  it("gives back the upload, and refuses names that are none of one", async () => {
    const { nar, push } = await openPush();
    const { upload } = await startNar(nar, push);
    const text = { ...upload, nar: upload.nar.path, incoming: String(upload.incoming) };
    expect(parseDirectUpload(text)).toEqual({ ok: true, value: upload });
    expect(parseDirectUpload({ ...text, nar: "nix-cache-info" }).ok).toBe(false);
    expect(parseDirectUpload({ ...text, nar: "nar/old-name.nar" }).ok).toBe(false);
    expect(parseDirectUpload({ ...text, incoming: upload.nar.path }).ok).toBe(false);
  });
});
