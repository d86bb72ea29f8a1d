import type { UploadedPart } from "../../bucket/bucket.ts";
import { CacheError } from "../../cache-error.ts";
import { narSha256 } from "../../../nix/object-key.ts";
import { clearIncoming, type DirectUpload, isStored, readUploadState } from "./direct-upload.ts";
import { afterWrite, commitNar } from "../commit.ts";
import type { Push } from "../push.ts";
import { goodParts, missingParts } from "./part-plan.ts";
import { proveObject } from "./prove-object.ts";

/** What is left to do of an upload that may be completed. */
export type Completion =
  | { readonly kind: "stored" }
  /** `parts` make the object; undefined where they have been made one already. */
  | { readonly kind: "ready"; readonly parts: readonly UploadedPart[] | undefined };

/** The work on an upload right now; `bytes` have been hashed so far. */
export type UploadProgress =
  | { readonly kind: "checking"; readonly bytes: number }
  | { readonly kind: "copying" };

/** Called often, with the current work. */
export type ReportProgress = (progress: UploadProgress) => void;

/** Whether an upload may be completed. Throws `upload-incomplete`, or `upload-gone`. */
export async function prepareCompletion(upload: DirectUpload, push: Push): Promise<Completion> {
  const { nar, sizeBytes } = upload;
  if (await isStored(nar, sizeBytes, push)) return { kind: "stored" };
  const state = await readUploadState(upload, push);
  switch (state.kind) {
    case "gone":
      // Another completion may have ended since the first look.
      if (await isStored(nar, sizeBytes, push)) return { kind: "stored" };
      throw new CacheError("upload-gone", nar.path);
    case "completed":
      return { kind: "ready", parts: undefined };
    case "open":
      requireAllParts(state.parts, upload);
      return { kind: "ready", parts: state.parts };
  }
}

/** So many numbers are named; more would only hide what to do. */
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
 * Makes an upload a NAR of the cache: one object of its parts, read back and
 * hashed, and only then copied to the name under which it can be read (law 2).
 * Whatever step it breaks off at, doing it once more ends it.
 */
export async function finishUpload(
  upload: DirectUpload,
  completion: Completion,
  push: Push,
  report: ReportProgress,
): Promise<void> {
  if (completion.kind === "ready") {
    try {
      report({ kind: "checking", bytes: 0 });
      if (completion.parts !== undefined) {
        await makeObject(upload, completion.parts, push);
      }
      await proveAndCopy(upload, push, report);
    } catch (error) {
      // Two completions at once: the slower one finds the object gone. A copy
      // whose answer was lost has still been made.
      if (!(await isStored(upload.nar, upload.sizeBytes, push).catch(() => false))) throw error;
      await afterWrite(upload.nar, push);
    }
  }
  await clearIncoming(upload.nar, push);
}

// Completions of some 10 GB take the bucket seconds.
const LOOKS = 10;
const LOOK_MILLISECONDS = 1_000;

/** Makes one object of the parts, which lies where it came. */
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
    // It was there a moment ago: somebody else completes it, or our own first
    // try does, whose answer was lost. The object is about to be there.
    for (let look = 1; look <= LOOKS; look++) {
      if ((await isThere(upload, push)) || (await isStored(upload.nar, upload.sizeBytes, push))) {
        return;
      }
      await push.clock.sleep(LOOK_MILLISECONDS);
    }
    throw new CacheError("upload-gone", incoming);
  } catch (error) {
    if (!(await isThere(upload, push).catch(() => false))) throw error;
  }
}

async function isThere({ incoming, sizeBytes }: DirectUpload, { bucket }: Push): Promise<boolean> {
  return (await bucket.head(incoming))?.sizeBytes === sizeBytes;
}

async function proveAndCopy(
  upload: DirectUpload,
  push: Push,
  report: ReportProgress,
): Promise<void> {
  const { nar, incoming, sizeBytes } = upload;
  const head = await push.bucket.head(incoming);
  if (head === undefined) throw new CacheError("upload-gone", incoming);
  if (head.sizeBytes === undefined || head.etag === undefined) {
    throw new CacheError("bucket-unavailable", `${incoming} has no size or no entity tag`);
  }
  if (head.sizeBytes !== sizeBytes) {
    await refuse(upload, push, new CacheError("upload-changed", `it has ${head.sizeBytes} bytes`));
  }
  const object = { path: incoming, sizeBytes, etag: head.etag };
  const proof = await proveObject(push.bucket, object, {
    onProgress: (bytes) => report({ kind: "checking", bytes }),
  });
  if (proof.kind === "hashed" && proof.sha256 !== narSha256(nar)) {
    const detail = `the bytes hash to ${proof.sha256}, not ${narSha256(nar)}`;
    await refuse(upload, push, new CacheError("nar-hash-mismatch", detail));
  }
  report({ kind: "copying" });
  const outcome =
    proof.kind === "hashed" ? await commitNar(incoming, nar, object, push) : proof.kind;
  if (outcome === "gone") throw new CacheError("upload-gone", incoming);
  if (outcome === "changed") {
    await refuse(upload, push, new CacheError("upload-changed", `${incoming} is another object`));
  }
}

/** Removes what can never become the NAR, as far as that works now, and says why. */
async function refuse(upload: DirectUpload, push: Push, error: CacheError): Promise<never> {
  await push.bucket.delete(upload.incoming).catch((cause: unknown) => {
    push.log("warn", "incoming-not-removed", {
      path: upload.nar.path,
      detail: cause instanceof Error ? cause.message : String(cause),
      by: push.by,
    });
  });
  throw error;
}

/** Gives an upload up, whatever has become of it. */
export async function abortUpload(upload: DirectUpload, push: Push): Promise<void> {
  const { bucket } = push;
  const { incoming, uploadId } = upload;
  if (uploadId !== undefined) await bucket.openUpload(incoming, uploadId).abort();
  if ((await bucket.head(incoming)) !== undefined) await bucket.delete(incoming);
}
