import { CONTENT_TYPES } from "../../http/response-headers.ts";
import { MAX_NARINFO_BYTES } from "../../nix/narinfo.ts";
import type {
  BuildTraceKey,
  NarinfoKey,
  NarKey,
  ObjectKey,
  RealisationKey,
} from "../../nix/object-key.ts";
import type { CopySource, PutOptions } from "../bucket/bucket.ts";
import type { IncomingPath } from "../bucket/incoming-path.ts";
import { CacheError } from "../cache-error.ts";
import type { Edge, EdgeContext } from "../edge/edge.ts";
import { forgetStoredNar, noteStoredNar } from "./batch/stored-nars.ts";
import type { Push } from "./push-context.ts";
import { type BodyToStore, storeBody } from "./store-body.ts";

/**
 * The one place that changes which objects a cache has. Each function writes to
 * the bucket and then lets everything that remembers the object know.
 */

/** Writes a document. Resolves once it is durable. */
export async function commitDocument(
  key: ObjectKey,
  text: string,
  push: Push,
  options: Pick<PutOptions, "once"> = {},
): Promise<void> {
  const bytes = new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
  await push.bucket.put(key.path, bytes, { contentType: CONTENT_TYPES[key.kind], ...options });
  await afterWrite(key, push);
}

/**
 * Writes a document that may have gained signatures, unless it has become larger than
 * the gateway reads back: then a published document stays ("kept"), and a new one
 * throws `body-too-large`. The limit holds for the text that would be written. A
 * failed PUT is not repeated: `changeDocument` looks again first.
 */
export async function commitSigned<Outcome extends "published" | "signed">(
  key: NarinfoKey | RealisationKey | BuildTraceKey,
  text: string,
  outcome: Outcome,
  push: Push,
): Promise<Outcome | "kept"> {
  if (new TextEncoder().encode(text).byteLength <= MAX_NARINFO_BYTES) {
    // Before the PUT: an isolate that looks in between must not call the path absent.
    if (key.kind === "narinfo") await push.marks.mark([key.hash]);
    await commitDocument(key, text, push, { once: true });
    return outcome;
  }
  if (outcome === "signed") {
    push.log("warn", "document-full", { path: key.path, by: push.by });
    return "kept";
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
  const input = { ...body, path: key.path, contentType: CONTENT_TYPES[key.kind] };
  await storeBody(input, push.bucket, push.buffers, push.by);
  if (key.kind === "nar") noteStoredNar(key, body.lengthBytes, push);
  await afterWrite(key, push);
}

/** Copies a proved NAR from where it was uploaded to its own name; see `Bucket.copy`. */
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
 * object that is gone, so that a purge which Cloudflare refused can be repeated.
 */
export async function commitDeletion(
  key: ObjectKey,
  { bucket, edge, memory, cache }: Pick<Push, "bucket" | "edge" | "memory" | "cache">,
  context: EdgeContext,
): Promise<Deletion> {
  forgetStoredNar(key.path, { memory, cache });
  const existed = (await bucket.head(key.path)) !== undefined;
  if (existed) await bucket.delete(key.path);
  return { existed, isPurged: await purgeEdge(key, edge, context) };
}

/**
 * Drops an object from the edge, for an object that was changed in the bucket itself.
 * Returns whether the edge has dropped it everywhere; see `Edge.purge`.
 */
export async function purgeEdge(
  key: ObjectKey,
  edge: Edge,
  context: EdgeContext,
): Promise<boolean> {
  return await edge.purge(key, context).catch(() => false);
}
