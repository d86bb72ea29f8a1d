import path from "node:path";
import type { Result } from "../../result.ts";
import { formatStorePathBaseName } from "../../nix/store-path.ts";
import { dumpPath } from "../local-nix/dump-path.ts";
import { createListingWriter } from "../local-nix/nar-listing.ts";
import type { PathInfo } from "../local-nix/path-info.ts";
import { startDump } from "../local-nix/run-nix.ts";
import type { NixStore } from "../local-nix/store-location.ts";
import type { ProcessContext } from "../process-context.ts";
import { BLOCK_BYTES, inBlocks } from "./compress-nar.ts";

/** A NAR that is being written. */
export interface NarDump {
  /** The NAR in blocks of `BLOCK_BYTES`; the last block may be shorter. */
  readonly blocks: AsyncIterable<Uint8Array>;
  /** Returns the listing after the last block, or the reason why there is none. */
  readonly listing?: () => Result<string>;
}

/**
 * The longest listing that is sent. The gateway stores an object of this size by one
 * PUT. The sources of Linux, 80,000 files, have a listing of about 6 MB.
 */
const MAX_LISTING_BYTES = 8 * 1024 * 1024;

/**
 * Reads the files of a path in this process, in 0.3 ms for a small path. To start Nix
 * takes at least 25 times as long. Returns undefined if only Nix can reach the store.
 */
export function dumpFiles(
  info: PathInfo,
  { store, withListing }: { readonly store: NixStore; readonly withListing: boolean },
): NarDump | undefined {
  if (store.directory === undefined) return undefined;
  const file = path.join(store.directory, formatStorePathBaseName(info.path));
  const listing = withListing ? createListingWriter(MAX_LISTING_BYTES) : undefined;
  const expectedBytes = info.narSize;
  const blocks = dumpPath(file, { blockBytes: BLOCK_BYTES, expectedBytes, listing });
  return listing === undefined ? { blocks } : { blocks, listing: listing.text };
}

/** Has Nix dump a path. There is no listing: it would need a parser of NARs. */
export async function dumpByNix(
  info: PathInfo,
  store: NixStore,
  context: ProcessContext,
): Promise<NarDump> {
  const dump = await startDump(info.path, store, context);
  async function* readOutput() {
    try {
      yield* inBlocks(dump.stdout);
      // A dump that failed is short. Its error says why.
      await dump.ended;
    } finally {
      dump.kill();
    }
  }
  return { blocks: readOutput() };
}
