import { createHash } from "node:crypto";
import { equalHashes, type Hash } from "../../nix/hash.ts";
import { type NarKey, narKey } from "../../nix/object-key.ts";
import { err, type Result } from "../../result.ts";
import { ClientError } from "../client-error.ts";
import { needsNix } from "../local-nix/dump-path.ts";
import type { PathInfo } from "../local-nix/path-info.ts";
import type { NixStore } from "../local-nix/store-location.ts";
import type { ProcessContext } from "../process-context.ts";
import { compressNar, compressSmallNar, isQuickToCompress } from "./compress-nar.ts";
import { dumpByNix, dumpFiles, type NarDump } from "./nar-dumps.ts";
import { readAhead } from "./read-ahead.ts";
import { createSpool, type Spool, type SpoolMemory, type SpoolPlace } from "./spool.ts";

export type PackCompression = "zstd" | "none";

export interface PackOptions {
  readonly store: NixStore;
  readonly compression: PackCompression;
  readonly compressionLevel: number;
  /** Whether to write the listing of the NAR too. */
  readonly withListing: boolean;
  readonly memory: SpoolMemory;
  /** The directory for spools that do not fit into memory. */
  readonly spoolDirectory: string;
}

/** A NAR file, ready to be stored in the bucket. */
export interface PackedNar {
  readonly key: NarKey;
  readonly compression: PackCompression;
  readonly fileHash: Hash;
  readonly fileSize: number;
  readonly spool: Spool;
  /**
   * The listing of the NAR, or the reason why there is none. Undefined if none is
   * wanted, or if only Nix could read the files.
   */
  readonly listing: Result<Spool> | undefined;
  /** Frees the memory and the disk space. */
  close(): Promise<void>;
}

/**
 * Dumps, checks, compresses and hashes a path in one pass. Reads the files itself if
 * it can, and otherwise has Nix dump them. The same path and options always give
 * the same bytes, so a later run can continue an upload. Calls `onPacked` with the
 * number of NAR bytes so far.
 *
 * Throws `ClientError` if the path cannot be read, or if its contents differ from
 * the hash and size in the store's database.
 */
export async function packNar(
  info: PathInfo,
  options: PackOptions,
  context: ProcessContext,
  onPacked: (bytes: number) => void,
): Promise<PackedNar> {
  const onBytes = (bytes: number) => {
    context.signal.throwIfAborted();
    onPacked(bytes);
  };
  const files = dumpFiles(info, options);
  if (files !== undefined) {
    try {
      return await packDump(info, files, options, onBytes);
    } catch (error) {
      if (!needsNix(error)) throw error;
    }
  }
  const dump = await dumpByNix(info, options.store, context);
  return await packDump(info, dump, options, onBytes);
}

async function packDump(
  info: PathInfo,
  { blocks, listing }: NarDump,
  options: PackOptions,
  onBytes: (bytes: number) => void,
): Promise<PackedNar> {
  const { compression, compressionLevel: level, memory, spoolDirectory: directory } = options;
  const { narSize } = info;
  const place = { memory, directory, expectedBytes: narSize };
  const spool = createSpool(place);
  try {
    const file = createMeter();
    const write = async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of readAhead(file.measure(chunks))) await spool.write(chunk);
    };
    const checked = readAhead(checkNar(blocks, info, onBytes));
    if (compression === "none") await write(checked);
    else if (isQuickToCompress(narSize, level)) await write(compressOnce(checked, level));
    else await compressNar(checked, narSize, level, write);
    const written = await spoolListing(listing?.(), place);
    const fileHash = file.hash();
    return {
      key: narKey(fileHash, compression),
      compression,
      fileHash,
      fileSize: spool.sizeBytes,
      spool,
      listing: written,
      async close() {
        await spool.close();
        if (written?.ok === true) await written.value.close();
      },
    };
  } catch (error) {
    await spool.close();
    throw error;
  }
}

/** Passes a NAR on, and throws before its end if it is not the NAR that the database promises. */
async function* checkNar(
  blocks: AsyncIterable<Uint8Array>,
  { narSize, narHash }: PathInfo,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const nar = createMeter();
  let last: Uint8Array | undefined;
  for await (const block of nar.measure(blocks)) {
    if (nar.bytes() > narSize) throw changed();
    onBytes(nar.bytes());
    if (last !== undefined) yield last;
    last = block;
  }
  if (nar.bytes() !== narSize || !equalHashes(nar.hash(), narHash)) throw changed();
  if (last !== undefined) yield last;
}

function changed(): ClientError {
  return new ClientError(
    "the files of this path differ from the store's database. Repair them with: nix-store --verify --check-contents --repair",
  );
}

async function* compressOnce(
  blocks: AsyncIterable<Uint8Array>,
  level: number,
): AsyncGenerator<Uint8Array> {
  const gathered: Uint8Array[] = [];
  for await (const block of blocks) gathered.push(block);
  yield compressSmallNar(Buffer.concat(gathered), level);
}

async function spoolListing(
  listing: Result<string> | undefined,
  place: SpoolPlace,
): Promise<Result<Spool> | undefined> {
  if (listing?.ok !== true) return listing;
  const spool = createSpool(place);
  try {
    await spool.write(new TextEncoder().encode(listing.value));
    return { ok: true, value: spool };
  } catch (error) {
    // A path without its listing is as good.
    await spool.close();
    return err(error instanceof Error ? error.message : String(error));
  }
}

/** Creates a meter that hashes and counts the bytes of a stream. */
function createMeter() {
  const digest = createHash("sha256");
  let bytes = 0;
  return {
    async *measure(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        digest.update(chunk);
        bytes += chunk.byteLength;
        yield chunk;
      }
    },
    bytes: () => bytes,
    hash: (): Hash => ({ algorithm: "sha256", bytes: new Uint8Array(digest.digest()) }),
  };
}
