import { CONTENT_TYPES } from "../../http/content-type.ts";
import { narinfoKey, type ObjectKey } from "../../nix/object-key.ts";
import type { Push } from "./ingest.ts";
import { storeBody } from "./store-body.ts";

export type SidecarKey = ObjectKey & { kind: "listing" | "log" | "debuginfo" };

export interface Sidecar {
  readonly key: SidecarKey;
  readonly body: ReadableStream<Uint8Array>;
  readonly lengthBytes: number;
  readonly contentEncoding: string | undefined;
}

/**
 * Stores what Nix writes beside a store path. A log's last write wins. Listings
 * and debug links differ in their bytes between Nix versions, so the first one
 * stays once people may have read it: the upload is then read and dropped.
 */
export async function storeSidecar(sidecar: Sidecar, push: Push): Promise<"stored" | "kept"> {
  const { key, body, lengthBytes, contentEncoding } = sidecar;
  if (key.kind !== "log" && (await isSettled(key, push))) {
    await body.pipeTo(new WritableStream());
    return "kept";
  }
  await storeBody(
    {
      path: key.path,
      body,
      lengthBytes,
      sha256: undefined,
      contentType: CONTENT_TYPES[key.kind],
      contentEncoding,
    },
    push.bucket,
    push.pool,
  );
  await push.edge.forget(key);
  return "stored";
}

/** A debug link has no store path to its name, so its presence alone settles it. */
async function isSettled(key: SidecarKey, { bucket }: Push): Promise<boolean> {
  if ((await bucket.head(key.path)) === undefined) return false;
  return key.kind !== "listing" || (await bucket.head(narinfoKey(key.hash).path)) !== undefined;
}
