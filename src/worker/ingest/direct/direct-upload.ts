import { createHash } from "node:crypto";
import type { UploadedPart } from "../../bucket/bucket.ts";
import {
  incomingFolder,
  type IncomingPath,
  parseIncomingPath,
} from "../../bucket/incoming-path.ts";
import { type NarKey, parseNarUrl } from "../../../nix/object-key.ts";
import { err, ok, type Result } from "../../../result.ts";
import type { Push } from "../push.ts";
import { allParts } from "./part-plan.ts";

/** An upload whose parts go straight to the bucket, under a name that no route reads. */
export interface DirectUpload {
  readonly nar: NarKey;
  readonly incoming: IncomingPath;
  /** As promised. */
  readonly sizeBytes: number;
  /** Undefined where it was found completed, so that nobody knows its id any more. */
  readonly uploadId: string | undefined;
}

/** The same with its names as texts, as it comes back from whoever uploads. */
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

/** Where all uploads of one NAR by one token lie: how an earlier try is found without a record of it. */
export function folderOf(nar: NarKey, by: string): string {
  return incomingFolder(nar, createHash("sha256").update(by).digest("hex").slice(0, 16));
}

/** What there is of an upload. */
export type UploadState =
  | { readonly kind: "open"; readonly parts: readonly UploadedPart[] }
  /** It is an object already, of this size, and only to be proved. */
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

/** The parts that are there, as their uploader may see them; `undefined` where the upload is gone. */
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

/** Whether the NAR is in the bucket under its own name, which only proved bytes ever get. */
export async function isStored(
  nar: NarKey,
  sizeBytes: number,
  { bucket }: Pick<Push, "bucket">,
): Promise<boolean> {
  return (await bucket.head(nar.path))?.sizeBytes === sizeBytes;
}

/**
 * Drops what this token's uploads of a NAR left behind, those that run at the
 * same time included: they find the NAR stored. What fails is only logged, since
 * nobody can read it, and the next upload of this NAR tries again.
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
    const detail = error instanceof Error ? error.message : String(error);
    log("warn", "incoming-not-removed", { path: nar.path, detail, by });
  }
}
