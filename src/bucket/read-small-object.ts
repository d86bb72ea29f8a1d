import { CacheError } from "../errors.ts";
import type { ObjectPath } from "../nix/object-key.ts";
import type { Bucket, StoredHead, StoredObject } from "./bucket.ts";

const CUT_ATTEMPTS = 3;

// For a few kilobytes whose headers are there already.
const STALL_MILLISECONDS = 3_000;

export interface SmallObject {
  readonly head: StoredHead;
  /** Decoded, if the platform decodes what `head.contentEncoding` names. */
  readonly bytes: ArrayBuffer;
}

/**
 * A small object, whole: asked for again if its body is cut or stalls. Edges
 * store a truncated body without complaint, and what is merged into a truncated
 * narinfo would lose the rest of it.
 */
export async function readSmallObject(
  bucket: Bucket,
  path: ObjectPath,
  maxBytes: number,
): Promise<SmallObject | undefined> {
  for (let attempt = 1; attempt <= CUT_ATTEMPTS; attempt++) {
    const giveUp = new AbortController();
    const stored = await bucket.get(path, undefined, giveUp.signal);
    if (stored === undefined) return undefined;
    if ((stored.sizeBytes ?? 0) > maxBytes) {
      await stored.body.cancel();
      throw new CacheError("bucket-unavailable", `${path} has ${stored.sizeBytes} bytes`);
    }
    const timer = setTimeout(() => giveUp.abort(), STALL_MILLISECONDS);
    const bytes = await readWhole(stored).finally(() => clearTimeout(timer));
    if (bytes !== undefined) return { head: stored, bytes };
  }
  throw new CacheError("bucket-unavailable", `${path} was cut short ${CUT_ATTEMPTS} times`);
}

/** workerd decodes these when a script reads the body; xz and zstd never. */
export function isDecodedByPlatform(contentEncoding: string | undefined): boolean {
  return contentEncoding === "gzip" || contentEncoding === "br";
}

async function readWhole(stored: StoredObject): Promise<ArrayBuffer | undefined> {
  try {
    const bytes = await new Response(stored.body).arrayBuffer();
    const isWhole =
      stored.sizeBytes === undefined ||
      isDecodedByPlatform(stored.contentEncoding) ||
      bytes.byteLength === stored.sizeBytes;
    return isWhole ? bytes : undefined;
  } catch {
    return undefined;
  }
}
