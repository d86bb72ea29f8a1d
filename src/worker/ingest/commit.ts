import { createHash } from "node:crypto";
import { CONTENT_TYPES } from "../../http/response-headers.ts";
import { MAX_NARINFO_BYTES } from "../../nix/narinfo.ts";
import {
  type BuildTraceKey,
  type ListingKey,
  type NarinfoKey,
  type NarKey,
  narSha256,
  type ObjectKey,
  type RealisationKey,
} from "../../nix/object-key.ts";
import type { CopySource, PutOptions } from "../bucket/bucket.ts";
import type { IncomingPath } from "../bucket/incoming-path.ts";
import { CacheError } from "../cache-error.ts";
import type { Edge, EdgeContext } from "../edge/edge.ts";
import { forgetStoredNar, noteStoredNar } from "./batch/stored-nars.ts";
import { forgetContents } from "./contents/known-contents.ts";
import { unpackSmallNar } from "./contents/unpack-small-nar.ts";
import type { Push } from "./push-context.ts";
import { type BodyToStore, storeBody } from "./store-body.ts";

/**
 * The one place that changes which objects a cache has. Each function writes to
 * the bucket and then lets everything that remembers the object know.
 */

/** Writes a document. Resolves with its ETag once it is durable. */
export async function commitDocument(
  key: ObjectKey,
  text: string,
  push: Push,
  options: Pick<PutOptions, "once"> = {},
): Promise<string | undefined> {
  const etag = await putDocument(key, text, push, options);
  await afterWrite(key, push);
  return etag;
}

/** The same for the listing of a path that was not published: no edge can have another one. */
export async function commitNewListing(key: ListingKey, text: string, push: Push): Promise<void> {
  await putDocument(key, text, push);
}

async function putDocument(
  key: ObjectKey,
  text: string,
  { bucket }: Push,
  options: Pick<PutOptions, "once"> = {},
): Promise<string | undefined> {
  const bytes = new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
  return await bucket.put(key.path, bytes, { contentType: CONTENT_TYPES[key.kind], ...options });
}

interface SignedDocument {
  readonly text: string;
  readonly outcome: "published" | "signed";
  /** Whether another document goes that clients may have read: the edge drops it everywhere. */
  readonly replaces?: boolean;
}

/**
 * Writes a document that may have gained signatures, and returns its ETag if the bucket
 * tells it; unless it has become larger than the gateway reads back: then a published
 * document stays ("full"), and a new one throws `body-too-large`. The limit holds for the
 * text that would be written. A failed PUT is not repeated: `changeDocument` looks again
 * first. "late": nothing was written, because what the narinfo names is no longer held
 * (`removal-guard.ts`).
 */
export async function commitSigned(
  key: NarinfoKey | RealisationKey | BuildTraceKey,
  { text, outcome, replaces = false }: SignedDocument,
  push: Push,
): Promise<{ readonly etag: string | undefined } | "full" | "late"> {
  if (new TextEncoder().encode(text).byteLength <= MAX_NARINFO_BYTES) {
    // Before the PUT: an isolate that looks in between must not call the path absent.
    if (key.kind === "narinfo") await push.marks.mark([key.hash]);
    if (key.kind === "narinfo" && !push.guard.isHeld(key.hash)) return "late";
    const etag = await commitDocument(key, text, push, { once: true });
    if (key.kind === "narinfo") push.recorder.published(key.hash, text);
    // The edge would give out the old document for an hour.
    if (replaces && !(await purgeEdge([key], push.edge, push.edgeContext))) {
      push.log("warn", "edge-not-purged", { path: key.path, by: push.by });
    }
    return { etag };
  }
  if (outcome === "signed") {
    push.log("warn", "document-full", { path: key.path, by: push.by });
    return "full";
  }
  throw new CacheError("body-too-large", `${key.path} with its signatures`, {
    subject: `(${MAX_NARINFO_BYTES} bytes, with the signatures that the gateway adds).`,
  });
}

/** Stores a body under `key`. Resolves once it is durable; see `storeBody` for its errors. */
export async function commitBody(
  key: ObjectKey,
  body: Omit<BodyToStore, "path" | "contentType">,
  push: Push,
): Promise<void> {
  if (key.kind === "nar") await push.guard.lease(key.path);
  const input = {
    ...body,
    path: key.path,
    contentType: CONTENT_TYPES[key.kind],
    ...(key.kind === "nar"
      ? { onSmall: async (bytes: Uint8Array) => await unpackSmallNar(key, bytes, push) }
      : {}),
  };
  await storeBody(input, push.bucket, push.buffers, push.by);
  if (key.kind === "nar") noteStoredNar(key, body.lengthBytes, push);
  await afterWrite(key, push);
}

/**
 * Stores a small NAR whose bytes are in memory, and whose narinfo the push holds. Resolves
 * once it is durable. Throws `nar-hash-mismatch` if the bytes do not hash to its name. The
 * caller lets the edge know.
 */
export async function commitNarBytes(
  key: NarKey,
  bytes: Uint8Array<ArrayBuffer>,
  push: Push,
): Promise<void> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== narSha256(key)) {
    throw new CacheError("nar-hash-mismatch", `the bytes hash to ${sha256}, not ${narSha256(key)}`);
  }
  await push.bucket.put(key.path, bytes, { contentType: CONTENT_TYPES.nar, sha256 });
  await unpackSmallNar(key, bytes, push);
  noteStoredNar(key, bytes.byteLength, push);
}

/**
 * Copies a proved NAR from where it was uploaded to its own name; see `Bucket.copy`. The
 * caller has leased the NAR.
 */
export async function commitNar(
  from: IncomingPath,
  key: NarKey,
  source: Omit<CopySource, "contentType">,
  push: Push,
): Promise<"copied" | "changed" | "gone"> {
  const outcome = await push.bucket.copy(from, key.path, {
    ...source,
    contentType: CONTENT_TYPES[key.kind],
  });
  if (outcome === "copied") {
    noteStoredNar(key, source.sizeBytes, push);
    await afterWrite(key, push);
  }
  return outcome;
}

/** Lets the edge know of an object that was written, perhaps by another request. */
export async function afterWrite(key: ObjectKey, { edge }: Pick<Push, "edge">): Promise<void> {
  // The gateway makes nix-cache-info itself, so the edge never has it.
  if (key.kind !== "cache-info") await edge.forget(key);
}

/** Results of a deletion: whether the object existed, and whether the edge has dropped it everywhere. */
export interface Deletion {
  readonly existed: boolean;
  readonly isPurged: boolean;
}

/**
 * Deletes an object and purges it from the edge. The purge runs also for an
 * object that is gone, so that a purge which Cloudflare refused can be repeated. Without
 * `isPurging` the caller purges many objects at once later. With `once` the DELETE is sent
 * once: after its answer it cannot act again.
 */
export async function commitDeletion(
  key: ObjectKey,
  { bucket, edge, memory, cache }: Pick<Push, "bucket" | "edge" | "memory" | "cache">,
  context: EdgeContext,
  {
    isPurging = true,
    once = false,
  }: { readonly isPurging?: boolean; readonly once?: boolean } = {},
): Promise<Deletion> {
  forgetStoredNar(key.path, { memory, cache });
  forgetContents(key.path, { memory, cache });
  const existed = (await bucket.head(key.path)) !== undefined;
  if (existed) await bucket.delete(key.path, { once });
  // A push may have stored it after the look, and then the deletion has hidden that too.
  forgetStoredNar(key.path, { memory, cache });
  return { existed, isPurged: !isPurging || (await purgeEdge([key], edge, context)) };
}

/**
 * Drops objects from the edge, for objects that were changed in the bucket itself.
 * Returns whether the edge has dropped them everywhere; see `Edge.purge`.
 */
export async function purgeEdge(
  keys: readonly ObjectKey[],
  edge: Edge,
  context: EdgeContext,
): Promise<boolean> {
  return await edge.purge(keys, context).catch(() => false);
}
