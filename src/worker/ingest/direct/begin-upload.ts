import type { UploadedPart } from "../../bucket/bucket.ts";
import { createIncomingPath, parseIncomingPath } from "../../bucket/incoming-path.ts";
import { CONTENT_TYPES } from "../../../http/response-headers.ts";
import type { NarKey } from "../../../nix/object-key.ts";
import { clearIncoming, type DirectUpload, folderOf, isStored } from "./direct-upload.ts";
import type { Push } from "../push.ts";
import { allParts, goodParts, partCountOf, type PartSize } from "./part-plan.ts";
import { canBeTakenUp } from "./sweep-incoming.ts";

/** The next step for the client. `stored` means nothing. */
export type BegunUpload = { readonly kind: "stored" } | OpenUpload;

/** PUT the parts that are not among `parts`; where the upload was completed, complete it once more. */
export interface OpenUpload {
  readonly kind: "open";
  readonly upload: DirectUpload;
  readonly parts: readonly PartSize[];
}

/**
 * Begins the upload of a NAR, or finds an earlier try of the same token: no
 * record is kept of it but what the bucket lists.
 */
export async function beginUpload(
  nar: NarKey,
  sizeBytes: number,
  push: Push,
  now: Date,
): Promise<BegunUpload> {
  if (await isStored(nar, sizeBytes, push)) {
    await clearIncoming(nar, push);
    return { kind: "stored" };
  }
  const found =
    (await findOpen(nar, sizeBytes, push)) ?? (await findCompleted(nar, sizeBytes, push, now));
  if (found !== undefined) return found;
  const incoming = createIncomingPath(folderOf(nar, push.by));
  const { uploadId } = await push.bucket.createUpload(incoming, { contentType: CONTENT_TYPES.nar });
  return { kind: "open", upload: { nar, incoming, sizeBytes, uploadId }, parts: [] };
}

/** So many leftovers are asked after: the free plan allows 50 requests in all. */
const LOOKED_AT_UPLOADS = 10;

/**
 * The upload that came furthest of those that are not completed yet. Tries at
 * once leave several, and so does a creation whose answer was lost.
 */
async function findOpen(
  nar: NarKey,
  sizeBytes: number,
  { bucket, by }: Push,
): Promise<OpenUpload | undefined> {
  let furthest: OpenUpload | undefined;
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

/** A part of a wrong size is sent again; one that is too many can never be taken away. */
function canBecome(sizeBytes: number, parts: readonly UploadedPart[]): boolean {
  return parts.every(({ number }) => number <= partCountOf(sizeBytes));
}

/** An object that was completed but not proved: whoever did so went away. */
async function findCompleted(
  nar: NarKey,
  sizeBytes: number,
  { bucket, by }: Push,
  now: Date,
): Promise<OpenUpload | undefined> {
  const { objects } = await bucket.list(folderOf(nar, by));
  for (const object of objects) {
    const incoming = parseIncomingPath(object.path);
    if (!incoming.ok || object.sizeBytes !== sizeBytes || !canBeTakenUp(object, now)) continue;
    const upload = { nar, incoming: incoming.value, sizeBytes, uploadId: undefined };
    return { kind: "open", upload, parts: allParts(sizeBytes) };
  }
  return undefined;
}
