import type { UploadedPart } from "../../bucket/bucket.ts";
import { isSignedPath } from "../../bucket/incoming-path.ts";
import { CacheError } from "../../cache-error.ts";
import { narSha256 } from "../../../nix/object-key.ts";
import { clearIncoming, type DirectUpload, isStored, readUploadState } from "./direct-upload.ts";
import { afterWrite, commitNar } from "../commit.ts";
import type { Push } from "../push-context.ts";
import { goodParts, missingParts } from "./part-plan.ts";
import { findPayloadCheck } from "./payload-check.ts";
import { type ObjectToProve, proveObject } from "./prove-object.ts";

/** The rest of the work on an upload that may be completed. */
export type Completion =
  | { readonly kind: "stored" }
  /** The bucket has proved the object. */
  | { readonly kind: "checked" }
  /** The parts of the object. `undefined` if they have been made one object already. */
  | { readonly kind: "ready"; readonly parts: readonly UploadedPart[] | undefined };

/** The work on an upload right now; `bytes` have been hashed so far. */
export type UploadProgress =
  | { readonly kind: "checking"; readonly bytes: number }
  | { readonly kind: "copying" };

/** Called often, with the current work. */
export type ReportProgress = (progress: UploadProgress) => void;

/** Finds out whether an upload may be completed. Throws `upload-incomplete` or `upload-gone`. */
export async function prepareCompletion(upload: DirectUpload, push: Push): Promise<Completion> {
  const { nar, sizeBytes } = upload;
  await push.guard.lease(nar.path);
  if (isSignedPath(upload.incoming) && (await findPayloadCheck(push)).kind === "checked") {
    return { kind: "checked" };
  }
  if (await isStored(nar, sizeBytes, push)) return { kind: "stored" };
  const state = await readUploadState(upload, push);
  switch (state.kind) {
    case "gone":
      return (await awaitOtherCompletion(upload, push)) === "stored"
        ? { kind: "stored" }
        : { kind: "ready", parts: undefined };
    case "completed":
      return { kind: "ready", parts: undefined };
    case "open":
      requireAllParts(state.parts, upload);
      return { kind: "ready", parts: state.parts };
  }
}

/** The most part numbers that a message names. */
const NAMED_PARTS = 10;

function requireAllParts(parts: readonly UploadedPart[], { nar, sizeBytes }: DirectUpload): void {
  const missing = missingParts(parts, sizeBytes);
  const good = new Set<UploadedPart>(goodParts(parts, sizeBytes));
  const surplus = parts.filter((part) => !good.has(part)).map(({ number }) => number);
  const wrong = [...new Set([...missing, ...surplus])].toSorted((left, right) => left - right);
  if (wrong.length === 0) return;
  const named = wrong.slice(0, NAMED_PARTS).join(", ");
  const more = wrong.length > NAMED_PARTS ? ` and ${wrong.length - NAMED_PARTS} more` : "";
  throw new CacheError("upload-incomplete", nar.path, {
    subject: `parts ${named}${more} are missing or have a wrong size.`,
  });
}

/**
 * Turns an upload into a NAR of the cache: makes one object of its parts, reads it
 * back and hashes it, and only then copies it to the name that clients can read
 * (law 2). An object that the bucket has proved is not read. A second call finishes the
 * work, whichever step the first one broke at. The caller then calls `cleanUp`.
 */
export async function finishUpload(
  upload: DirectUpload,
  completion: Completion,
  push: Push,
  report: ReportProgress,
): Promise<void> {
  if (completion.kind === "stored") return;
  try {
    report({ kind: "checking", bytes: 0 });
    if (completion.kind === "ready" && completion.parts !== undefined) {
      await makeObject(upload, completion.parts, push);
    }
    const object = await findObject(upload, push);
    if (completion.kind === "ready") await prove(upload, object, push, report);
    report({ kind: "copying" });
    await publish(upload, object, push);
  } catch (error) {
    // Two completions at once: the slower one finds the object gone. A copy
    // whose answer was lost has still been made.
    if (!(await isStored(upload.nar, upload.sizeBytes, push).catch(() => false))) throw error;
    await afterWrite(upload.nar, push);
  }
}

/** Removes what is left of an upload that is finished. Never throws. */
export async function cleanUp(upload: DirectUpload, push: Push): Promise<void> {
  if (!isSignedPath(upload.incoming)) return await clearIncoming(upload.nar, push);
  await removeIncoming(upload, push);
}

// The bucket takes seconds to complete an upload of 10 GB.
const LOOKS = 10;
const LOOK_MILLISECONDS = 1_000;

/**
 * Waits for what another completion makes of an upload that the bucket no longer
 * lists. While the bucket works on a completion, it shows neither the upload nor the
 * object. Returns "stored" for a NAR under its own name, and "made" for an object
 * that must still be proved. Throws `upload-gone` if neither appears in ten seconds.
 */
async function awaitOtherCompletion(upload: DirectUpload, push: Push): Promise<"stored" | "made"> {
  for (let look = 1; look <= LOOKS; look++) {
    if (await isThere(upload, push)) return "made";
    // Asked second, because a completion copies the object before it removes it.
    if (await isStored(upload.nar, upload.sizeBytes, push)) return "stored";
    await push.clock.sleep(LOOK_MILLISECONDS);
  }
  throw new CacheError("upload-gone", upload.nar.path);
}

/** Makes one object of the parts, under the incoming name. */
async function makeObject(
  upload: DirectUpload,
  parts: readonly UploadedPart[],
  push: Push,
): Promise<void> {
  const { incoming, uploadId } = upload;
  if (uploadId === undefined) throw new CacheError("internal", "parts of an upload without its id");
  try {
    const outcome = await push.bucket.openUpload(incoming, uploadId).complete(parts);
    if (outcome === "completed") return;
    if (outcome === "changed") {
      throw new CacheError("upload-changed", `${incoming}: a part was sent again meanwhile`);
    }
    await awaitOtherCompletion(upload, push);
  } catch (error) {
    if (!(await isThere(upload, push).catch(() => false))) throw error;
  }
}

async function isThere({ incoming, sizeBytes }: DirectUpload, { bucket }: Push): Promise<boolean> {
  return (await bucket.head(incoming))?.sizeBytes === sizeBytes;
}

/** Returns the object under the incoming name. Removes an object of a wrong size, and throws. */
async function findObject(upload: DirectUpload, push: Push): Promise<ObjectToProve> {
  const { incoming, sizeBytes } = upload;
  const head = await push.bucket.head(incoming);
  if (head === undefined) throw new CacheError("upload-gone", incoming);
  if (head.sizeBytes === undefined || head.etag === undefined) {
    throw new CacheError("bucket-unavailable", `${incoming} has no size or no entity tag`);
  }
  if (head.sizeBytes !== sizeBytes) {
    await refuse(upload, push, new CacheError("upload-changed", `it has ${head.sizeBytes} bytes`));
  }
  return { path: incoming, sizeBytes, etag: head.etag };
}

/** Reads the object back and hashes it. Removes an object with other bytes, and throws. */
async function prove(
  upload: DirectUpload,
  object: ObjectToProve,
  push: Push,
  report: ReportProgress,
): Promise<void> {
  const proof = await proveObject(push.bucket, object, {
    onProgress: (bytes) => report({ kind: "checking", bytes }),
  });
  if (proof.kind !== "hashed") return await refuseOutcome(upload, proof.kind, push);
  if (proof.sha256 === narSha256(upload.nar)) return;
  const detail = `the bytes hash to ${proof.sha256}, not ${narSha256(upload.nar)}`;
  await refuse(upload, push, new CacheError("nar-hash-mismatch", detail));
}

async function publish(upload: DirectUpload, object: ObjectToProve, push: Push): Promise<void> {
  const outcome = await copyProved(upload, object, push);
  if (outcome !== "copied") await refuseOutcome(upload, outcome, push);
}

async function refuseOutcome(
  upload: DirectUpload,
  outcome: "gone" | "changed",
  push: Push,
): Promise<never> {
  const { incoming } = upload;
  if (outcome === "gone") throw new CacheError("upload-gone", incoming);
  return await refuse(
    upload,
    push,
    new CacheError("upload-changed", `${incoming} is another object`),
  );
}

/**
 * Copies the proved object to the name of the NAR, if it is still there.
 *
 * OpenStack Swift compares the condition of a copy with another tag than HEAD gives,
 * if the object was made of parts. So if the condition fails and HEAD still shows the
 * proved tag and size, it is copied without the condition. Nobody can have replaced
 * it: its name is random, and its upload ended with its completion.
 */
async function copyProved(
  { nar, incoming }: DirectUpload,
  object: ObjectToProve,
  push: Push,
): Promise<"copied" | "changed" | "gone"> {
  const outcome = await commitNar(incoming, nar, object, push);
  if (outcome !== "changed") return outcome;
  const head = await push.bucket.head(incoming);
  if (head?.etag !== object.etag || head.sizeBytes !== object.sizeBytes) return "changed";
  const { sizeBytes } = object;
  const copied = await commitNar(incoming, nar, { sizeBytes, etag: undefined }, push);
  if (copied !== "copied" || (await isStored(nar, sizeBytes, push))) return copied;
  throw new CacheError("bucket-unavailable", `the copy of ${incoming} has another size`);
}

/** Removes an object that can never become the NAR, and throws `error`. Only logs a failure to remove it. */
async function refuse(upload: DirectUpload, push: Push, error: CacheError): Promise<never> {
  await removeIncoming(upload, push);
  throw error;
}

/** Removes the object under the incoming name. Only logs a failure: no route reads there. */
async function removeIncoming({ nar, incoming }: DirectUpload, push: Push): Promise<void> {
  await push.bucket.delete(incoming).catch((cause: unknown) => {
    push.log("warn", "incoming-not-removed", {
      path: nar.path,
      detail: cause instanceof Error ? cause.message : String(cause),
      by: push.by,
    });
  });
}

/** Drops an upload in whatever state it is. Succeeds if it is gone already. */
export async function abortUpload(upload: DirectUpload, push: Push): Promise<void> {
  const { bucket } = push;
  const { incoming, uploadId } = upload;
  if (uploadId !== undefined) await bucket.openUpload(incoming, uploadId).abort();
  if ((await bucket.head(incoming)) !== undefined) await bucket.delete(incoming);
}
