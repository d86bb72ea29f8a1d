import { CONTENT_TYPES } from "../../http/content-type.ts";
import type { ObjectKey } from "../../nix/object-key.ts";
import type { Push } from "./ingest.ts";

/** Writes what was decided on, and drops what the edge here had of it. */
export async function writeDocument(
  key: ObjectKey,
  text: string,
  { bucket, edge }: Push,
): Promise<void> {
  const bytes = new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
  await bucket.put(key.path, bytes, { contentType: CONTENT_TYPES[key.kind] });
  await edge.forget(key);
}
