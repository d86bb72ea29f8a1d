import { narinfoKey, type ObjectKey } from "../../nix/object-key.ts";
import type { Push } from "./push-context.ts";
import { commitBody } from "./commit.ts";

export type SidecarKey = ObjectKey & { kind: "listing" | "log" | "debuginfo" };

export interface Sidecar {
  readonly key: SidecarKey;
  readonly body: ReadableStream<Uint8Array>;
  readonly lengthBytes: number;
  readonly contentEncoding: string | undefined;
}

/**
 * Stores an object that Nix writes beside a store path. The last write of a log
 * wins. Nix versions write listings and debug links with other bytes, so the
 * first one stays once clients may have read it: a later upload is then read and
 * dropped ("kept").
 */
export async function storeSidecar(sidecar: Sidecar, push: Push): Promise<"stored" | "kept"> {
  const { key, body, lengthBytes, contentEncoding } = sidecar;
  if (key.kind !== "log" && (await isSettled(key, push))) {
    await body.pipeTo(new WritableStream());
    return "kept";
  }
  await commitBody(key, { body, lengthBytes, sha256: undefined, contentEncoding }, push);
  return "stored";
}

/**
 * Whether clients may have read the object. A listing counts once its narinfo is
 * published. A debug link, whose name has no store path, counts at once.
 */
async function isSettled(key: SidecarKey, { bucket }: Push): Promise<boolean> {
  if ((await bucket.head(key.path)) === undefined) return false;
  return key.kind !== "listing" || (await bucket.head(narinfoKey(key.hash).path)) !== undefined;
}
