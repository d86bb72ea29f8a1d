import type { UploadedPart } from "../../bucket/bucket.ts";
import { createIncomingPath, parseIncomingPath } from "../../bucket/incoming-path.ts";
import { CONTENT_TYPES } from "../../../http/response-headers.ts";
import type { NarKey } from "../../../nix/object-key.ts";
import { clearIncoming, type DirectUpload, folderOf, isStored } from "./direct-upload.ts";
import type { Push } from "../push-context.ts";
import { allParts, goodParts, partCountOf, type PartSize } from "./part-plan.ts";
import { canBeTakenUp } from "./sweep-incoming.ts";

/** The next step for the client. `stored` means nothing. */
export type BegunUpload = { readonly kind: "stored" } | UnfinishedUpload;

/** The client PUTs the parts that `parts` lacks. If none is missing, it completes the upload again. */
export interface UnfinishedUpload {
  readonly kind: "open";
  readonly upload: DirectUpload;
  readonly parts: readonly PartSize[];
}

/**
 * Begins the upload of a NAR, or finds an earlier try of the same token. The
 * gateway keeps no record of uploads: the bucket's listings show them.
 */
export async function beginUpload(
  nar: NarKey,
  sizeBytes: number,
  push: Push,
  now: Date,
): Promise<BegunUpload> {
  await push.guard.lease(nar.path);
  if (await isStored(nar, sizeBytes, push)) {
    await clearIncoming(nar, push);
    return { kind: "stored" };
  }
  const found =
    (await findOpen(nar, sizeBytes, push)) ?? (await findCompleted(nar, sizeBytes, push, now));
  if (found !== undefined) return found;
  const incoming = createIncomingPath(folderOf(nar, push.by), "parts");
  const { uploadId } = await push.bucket.createUpload(incoming, { contentType: CONTENT_TYPES.nar });
  const upload: DirectUpload = { nar, incoming, sizeBytes, uploadId };
  return { kind: "open", upload, parts: [] };
}

/** The most earlier tries that are looked at: the free plan allows 50 requests to the bucket in all. */
const LOOKED_AT_UPLOADS = 10;

/**
 * Returns the unfinished upload with the most parts. There can be several: from
 * tries at the same time, or from a creation whose answer was lost.
 */
async function findOpen(
  nar: NarKey,
  sizeBytes: number,
  { bucket, by }: Push,
): Promise<UnfinishedUpload | undefined> {
  let furthest: UnfinishedUpload | undefined;
  const listed = await bucket.listUploads(folderOf(nar, by));
  for (const { path, uploadId } of listed.slice(0, LOOKED_AT_UPLOADS)) {
    const incoming = parseIncomingPath(path);
    if (!incoming.ok) continue;
    const stored = await bucket.openUpload(incoming.value, uploadId).listParts();
    if (stored === undefined || !canBecome(sizeBytes, stored)) continue;
    const parts = goodParts(stored, sizeBytes);
    if (furthest !== undefined && parts.length <= furthest.parts.length) continue;
    const upload: DirectUpload = { nar, incoming: incoming.value, sizeBytes, uploadId };
    furthest = { kind: "open", upload, parts };
  }
  return furthest;
}

/** Whether the upload can become the NAR. A part of a wrong size can be sent again, but a surplus part cannot be removed. */
function canBecome(sizeBytes: number, parts: readonly UploadedPart[]): boolean {
  return parts.every(({ number }) => number <= partCountOf(sizeBytes));
}

/**
 * Returns an upload that was completed and not proved, because its client went away in
 * between. One that the bucket has proved comes first: the gateway need not read it.
 */
export async function findCompleted(
  nar: NarKey,
  sizeBytes: number,
  { bucket, by }: Push,
  now: Date,
): Promise<UnfinishedUpload | undefined> {
  const { objects } = await bucket.list(folderOf(nar, by));
  // Names with a word before their digits come last in a listing.
  for (const object of objects.toReversed()) {
    const incoming = parseIncomingPath(object.path);
    if (!incoming.ok || object.sizeBytes !== sizeBytes || !canBeTakenUp(object, now)) continue;
    const upload = { nar, incoming: incoming.value, sizeBytes, uploadId: undefined };
    return { kind: "open", upload, parts: allParts(sizeBytes) };
  }
  return undefined;
}
