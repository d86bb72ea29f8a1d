import { expect } from "vitest";
import {
  cleanUp,
  finishUpload,
  prepareCompletion,
} from "../../src/worker/ingest/direct/finish-upload.ts";
import type { DirectUpload } from "../../src/worker/ingest/direct/direct-upload.ts";
import type { Push } from "../../src/worker/ingest/push-context.ts";
import { missingParts } from "../../src/worker/ingest/direct/part-plan.ts";
import { type UnfinishedUpload, beginUpload } from "../../src/worker/ingest/direct/begin-upload.ts";
import { type LargeNar, makeLargeNar } from "./direct-upload.ts";
import { sha256Hex } from "../sha256-hex.ts";
import type { MemoryBucketHooks } from "./memory-bucket.ts";
import { createPush, type TestPush } from "./push.ts";

/** A push of the one NAR, and its bytes. */
export async function openPush(hooks: MemoryBucketHooks = {}) {
  return { nar: await makeLargeNar(), push: createPush(hooks) };
}

export async function startNar(nar: LargeNar, push: Push): Promise<UnfinishedUpload> {
  const started = await beginUpload(nar.key, nar.bytes.byteLength, push, new Date());
  if (started.kind !== "open") throw new Error("it is stored already");
  return started;
}

/** Puts the parts that are missing, as their uploader does. */
export async function sendNar(
  nar: LargeNar,
  { upload, parts }: UnfinishedUpload,
  { bucket }: TestPush,
  bytesOf: LargeNar["part"] = nar.part,
): Promise<void> {
  for (const number of missingParts(parts, upload.sizeBytes)) {
    const signed = bucket.openUpload(upload.incoming, upload.uploadId ?? "");
    bucket.putSigned(await signed.signPart(number, 60), bytesOf(number));
  }
}

export async function completeNar(upload: DirectUpload, push: Push): Promise<string[]> {
  const reported: string[] = [];
  const completion = await prepareCompletion(upload, push);
  const report = ({ kind }: { readonly kind: string }) => void reported.push(kind);
  await finishUpload(upload, completion, push, report);
  await cleanUp(upload, push);
  return reported;
}

export async function expectRightBytes(nar: LargeNar, bucket: TestPush["bucket"]): Promise<void> {
  const stored = bucket.objects.get(nar.key.path);
  expect(await sha256Hex(stored?.bytes ?? "nothing")).toBe(nar.sha256);
}

/** What the bucket holds in the end, and nothing else. */
export async function expectStored(nar: LargeNar, { bucket }: TestPush): Promise<void> {
  expect([...bucket.objects.keys()]).toEqual([nar.key.path]);
  await expectRightBytes(nar, bucket);
  expect(bucket.objects.get(nar.key.path)?.contentType).toBe("application/x-nix-nar");
  expect(bucket.openUploads()).toBe(0);
}
