import { describe, expect, it } from "vitest";
import { createIncomingPath } from "../../../../src/worker/bucket/incoming-path.ts";
import { folderOf } from "../../../../src/worker/ingest/direct/direct-upload.ts";
import { beginSignedUpload } from "../../../../src/worker/ingest/direct/begin-signed-upload.ts";
import { findPayloadCheck } from "../../../../src/worker/ingest/direct/payload-check.ts";
import { checkSample, isSampled } from "../../../../src/worker/ingest/direct/sample-proof.ts";
import { completeNar } from "../../../../testkit/workerd/push-by-parts.ts";
import { createPush, type TestPushOptions } from "../../../../testkit/workerd/push.ts";
import { keyOf } from "../../../../testkit/workerd/b2.ts";
import { sha256Hex } from "../../../../testkit/sha256-hex.ts";
import { encodeNix32 } from "../../../../src/nix/encodings.ts";

const BYTES = new TextEncoder().encode("a NAR") as Uint8Array<ArrayBuffer>;

/** Sends `sent` to a bucket in memory, which checks nothing, as the bytes of the NAR. */
async function publish(sent: Uint8Array<ArrayBuffer>, options: TestPushOptions = {}) {
  const push = createPush({ probeFaults: {}, ...options });
  await findPayloadCheck(push);
  const fileHash = encodeNix32(Uint8Array.fromHex(await sha256Hex(BYTES)));
  const nar = keyOf("nar", `nar/${fileHash}.nar.zst`);
  const begun = await beginSignedUpload(nar, BYTES.byteLength, "x-amz-content-sha256", push);
  if (begun.kind !== "open") throw new Error("it is stored already");
  push.bucket.putWhole(begun.put.url, sent);
  await completeNar(begun.upload, push);
  return { push, nar, upload: begun.upload };
}

describe("checkSample", () => {
  it("leaves a NAR with the right bytes", async () => {
    const { push, nar, upload } = await publish(BYTES);
    await checkSample(upload, push);
    expect(push.bucket.objects.has(nar.path)).toBe(true);
    expect((await findPayloadCheck(push)).kind).toBe("checked");
  });

  it("removes a NAR with other bytes, says so, and switches the way off", async () => {
    const { push, nar, upload } = await publish(BYTES.map((byte) => byte ^ 1));
    expect(push.bucket.objects.has(nar.path)).toBe(true);
    await checkSample(upload, push);
    expect(push.bucket.objects.has(nar.path)).toBe(false);
    expect((await findPayloadCheck(push)).kind).toBe("unchecked");
    expect(push.lines.at(-1)).toMatchObject({ level: "error", code: "bucket-proved-wrong-bytes" });
  });

  it("leaves a NAR that another push stores meanwhile, which may change its entity tag", async () => {
    const racing: { again?: () => void } = {};
    const { push, nar, upload } = await publish(BYTES, {
      before: (call) => {
        if (call.startsWith("get nar/")) racing.again?.();
      },
    });
    racing.again = () => push.bucket.putWhole(`memory:${nar.path}`, BYTES.slice());
    await checkSample(upload, push);
    expect(push.bucket.objects.has(nar.path)).toBe(true);
    expect((await findPayloadCheck(push)).kind).toBe("checked");
  });

  it.each([
    { what: "of another size", bytes: BYTES.slice(1), contentEncoding: undefined },
    { what: "with an encoding", bytes: BYTES.slice(), contentEncoding: "gzip" },
  ])("removes a NAR $what", async ({ bytes, contentEncoding }) => {
    const { push, nar, upload } = await publish(BYTES);
    push.bucket.putWhole(`memory:${nar.path}`, bytes, contentEncoding);
    await checkSample(upload, push);
    expect(push.bucket.objects.has(nar.path)).toBe(false);
    expect((await findPayloadCheck(push)).kind).toBe("unchecked");
  });

  it("says what it found also if it cannot remove the NAR", async () => {
    const { push, upload } = await publish(
      BYTES.map((byte) => byte ^ 1),
      {
        before: (call) => {
          if (call.startsWith("delete nar/")) throw new Error("down");
        },
      },
    );
    await checkSample(upload, push);
    expect(push.lines.at(-1)).toMatchObject({
      level: "error",
      code: "bucket-proved-wrong-bytes",
      fields: { isRemoved: false },
    });
  });

  it("says nothing of a NAR that it cannot read", async () => {
    const failing = { isOn: false };
    const { push, nar, upload } = await publish(BYTES, {
      before: (call) => {
        if (failing.isOn && call.startsWith("head nar/")) throw new Error("down");
      },
    });
    failing.isOn = true;
    await checkSample(upload, push);
    expect(push.bucket.objects.has(nar.path)).toBe(true);
    expect((await findPayloadCheck(push)).kind).toBe("checked");
  });
});

describe("isSampled", () => {
  it("takes few NARs, small ones, and only those that the bucket has proved", async () => {
    const { push, upload } = await publish(BYTES, { random: () => 0.001 });
    expect(isSampled(upload, push)).toBe(true);
    const byParts = createIncomingPath(folderOf(upload.nar, push.by), "parts");
    expect(isSampled({ ...upload, incoming: byParts }, push)).toBe(false);
    expect(isSampled({ ...upload, sizeBytes: 1e9 }, push)).toBe(false);
    expect(isSampled(upload, { ...push, random: () => 0.5 })).toBe(false);
  });
});
