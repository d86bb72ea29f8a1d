import type { NarKey } from "../../../nix/object-key.ts";
import type { Push } from "../push-context.ts";
import { noteContents } from "./known-contents.ts";
import { createContentsReader } from "./nar-contents.ts";
import type { UnpackableCompression } from "./unpacker.ts";

/** The compressions that the name of a NAR gives away. */
const BY_EXTENSION: ReadonlyMap<string, UnpackableCompression> = new Map([
  [".zst", "zstd"],
  [".br", "br"],
]);

/**
 * Unpacks a NAR that lies in memory while it is stored, so that its narinfo, which
 * follows, needs no GET. Only a help: it does nothing while other NARs are unpacked.
 */
export async function unpackSmallNar(key: NarKey, bytes: Uint8Array, push: Push): Promise<void> {
  const compression = BY_EXTENSION.get(key.extension);
  if (compression === undefined || push.rules.prove !== "contents") return;
  const place = push.buffers.proofs.tryAcquire(push.by);
  if (place === undefined) return;
  try {
    const reader = createContentsReader(compression, undefined, push.memory.contents.engines);
    await reader.take(bytes);
    noteContents(key, compression, await reader.end(), push);
  } finally {
    place.release();
  }
}
