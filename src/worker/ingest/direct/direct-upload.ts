import { createHash } from "node:crypto";
import type { UploadedPart } from "../../bucket/bucket.ts";
import {
  incomingFolder,
  type IncomingPath,
  parseIncomingPath,
} from "../../bucket/incoming-path.ts";
import { type NarKey, parseNarUrl } from "../../../nix/object-key.ts";
import { err, ok, type Result } from "../../../result.ts";
import type { Push } from "../push-context.ts";
import { allParts } from "./part-plan.ts";
import { detailOf } from "../../log.ts";

/**
 * An upload that goes straight to the bucket, under a name that no route reads. The name
 * says whether a bucket that checks bytes has proved them (`isSignedPath`).
 */
export interface DirectUpload {
  readonly nar: NarKey;
  readonly incoming: IncomingPath;
  /** The size that the client has promised. */
  readonly sizeBytes: number;
  /**
   * The ID of an upload in parts. `undefined` for a signed PUT, and if the upload was found
   * completed: its ID is then unknown.
   */
  readonly uploadId: string | undefined;
}

/** A direct upload whose names are unchecked texts, as a client returns it. */
export type DirectUploadText = Pick<DirectUpload, "sizeBytes" | "uploadId"> & {
  readonly nar: string;
  readonly incoming: string;
};

export function parseDirectUpload(text: DirectUploadText): Result<DirectUpload> {
  const nar = parseNarUrl(text.nar);
  const incoming = parseIncomingPath(text.incoming);
  if (!nar.ok || !nar.value.writable || !incoming.ok) return err("names no upload");
  const { sizeBytes, uploadId } = text;
  return ok({ nar: nar.value, incoming: incoming.value, sizeBytes, uploadId });
}

/** Returns the folder of all uploads of one NAR by one token. Listing it finds earlier tries. */
export function folderOf(nar: NarKey, by: string): string {
  return incomingFolder(nar, createHash("sha256").update(by).digest("hex").slice(0, 16));
}

/** The state of an upload in the bucket. */
export type UploadState =
  | { readonly kind: "open"; readonly parts: readonly UploadedPart[] }
  /** The parts are one object of this size, which still has to be proved. */
  | { readonly kind: "completed"; readonly sizeBytes: number | undefined }
  | { readonly kind: "gone" };

export async function readUploadState(
  upload: DirectUpload,
  { bucket }: Push,
): Promise<UploadState> {
  const { incoming, uploadId } = upload;
  const parts =
    uploadId === undefined ? undefined : await bucket.openUpload(incoming, uploadId).listParts();
  if (parts !== undefined) return { kind: "open", parts };
  const stored = await bucket.head(incoming);
  return stored === undefined
    ? { kind: "gone" }
    : { kind: "completed", sizeBytes: stored.sizeBytes };
}

/** Returns the parts that the bucket has, or `undefined` if the upload is gone. A completed upload has all parts. */
export async function listPresentParts(upload: DirectUpload, push: Push) {
  const state = await readUploadState(upload, push);
  switch (state.kind) {
    case "open":
      return state.parts;
    case "completed":
      return allParts(upload.sizeBytes);
    case "gone":
      return undefined;
  }
}

/** Whether the bucket has the NAR under its own name. Only proved bytes ever get that name. */
export async function isStored(
  nar: NarKey,
  sizeBytes: number,
  { bucket }: Pick<Push, "bucket">,
): Promise<boolean> {
  return (await bucket.head(nar.path))?.sizeBytes === sizeBytes;
}

/**
 * Removes all uploads of a NAR by this token, also those that still run: they will
 * find the NAR stored. A failure is only logged, because no client can read what
 * stays behind, and the next upload of this NAR tries again.
 */
export async function clearIncoming(nar: NarKey, push: Push): Promise<void> {
  const { bucket, by, log } = push;
  const folder = folderOf(nar, by);
  try {
    for (const { path, uploadId } of await bucket.listUploads(folder)) {
      const incoming = parseIncomingPath(path);
      if (incoming.ok) await bucket.openUpload(incoming.value, uploadId).abort();
    }
    for (const { path } of (await bucket.list(folder)).objects) {
      const incoming = parseIncomingPath(path);
      if (incoming.ok) await bucket.delete(incoming.value);
    }
  } catch (error) {
    const detail = detailOf(error);
    log("warn", "incoming-not-removed", { path: nar.path, detail, by });
  }
}
