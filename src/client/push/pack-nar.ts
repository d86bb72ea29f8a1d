import { createHash, type Hash as Digest } from "node:crypto";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { equalHashes, type Hash } from "../../nix/hash.ts";
import { type NarKey, narKey } from "../../nix/object-key.ts";
import { ClientError } from "../client-error.ts";
import type { PathInfo } from "../local-nix/path-info.ts";
import { type NixProcess, startDump } from "../local-nix/run-nix.ts";
import type { NixStore } from "../local-nix/store-location.ts";
import type { ProcessContext } from "../process-context.ts";
import { createSpool, type Spool, type SpoolMemory } from "./spool.ts";

export type PackCompression = "zstd" | "none";

export interface PackOptions {
  readonly store: NixStore;
  readonly compression: PackCompression;
  readonly compressionLevel: number;
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
}

/**
 * Dumps, checks, compresses and hashes a path in one pass. The same path and
 * options always give the same bytes, so a later run can continue an upload.
 * Calls `onPacked` with the number of NAR bytes so far.
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
  const { compression, memory, spoolDirectory: directory } = options;
  const spool = createSpool({ memory, directory, expectedBytes: info.narSize });
  const dump = await startDump(info.path, options.store, context);
  const nar = createMeter(onPacked);
  const file = createMeter();
  try {
    const write = async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of file.measure(chunks)) await spool.write(chunk);
    };
    if (compression === "none") await pipeline(dump.stdout, nar.measure, write);
    else {
      const compressor = createCompressor(info.narSize, options);
      await pipeline(dump.stdout, nar.measure, (chunks) => inBlocks(chunks), compressor, write);
    }
    await dump.ended;
    if (nar.bytes() !== info.narSize || !equalHashes(nar.hash(), info.narHash)) throw changed();
    const fileHash = file.hash();
    const key = narKey(fileHash, compression);
    return { key, compression, fileHash, fileSize: file.bytes(), spool };
  } catch (error) {
    await spool.close();
    throw await explain(error, nar.isWhole(), dump);
  }
}

function createCompressor(narSize: number, { compressionLevel }: PackOptions) {
  return zlib.createZstdCompress({
    chunkSize: Math.min(256 * 1024, Math.max(1024, narSize)),
    // With the size known, zstd uses small tables for a small NAR, which saves most of the work.
    pledgedSrcSize: narSize,
    params: { [zlib.constants.ZSTD_c_compressionLevel]: compressionLevel },
  });
}

/** Returns the error to report. If the dump failed, its error is the cause of all later errors. */
async function explain(error: unknown, isWhole: boolean, dump: NixProcess): Promise<unknown> {
  if (isWhole) {
    try {
      await dump.ended;
    } catch (reason) {
      return reason;
    }
  }
  dump.kill();
  const { code } = error as NodeJS.ErrnoException;
  return code === "ZSTD_error_srcSize_wrong" ? changed() : error;
}

function changed(): ClientError {
  return new ClientError(
    "the files of this path differ from the store's database. Repair them with: nix-store --verify --check-contents --repair",
  );
}

/** Creates a meter that hashes and counts the bytes of a stream. */
function createMeter(onBytes: (bytes: number) => void = () => {}) {
  const digest: Digest = createHash("sha256");
  let bytes = 0;
  let isWhole = false;
  return {
    async *measure(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        digest.update(chunk);
        bytes += chunk.byteLength;
        onBytes(bytes);
        yield chunk;
      }
      isWhole = true;
    },
    bytes: () => bytes,
    isWhole: () => isWhole,
    hash: (): Hash => ({ algorithm: "sha256", bytes: new Uint8Array(digest.digest()) }),
  };
}

/** The size of the longest block of zstd (RFC 8878, 3.1.1.2.4). */
const BLOCK_BYTES = 128 * 1024;

/**
 * Yields the same bytes in blocks of equal size; the last block may be shorter.
 * The output of zstd depends on the sizes of its input chunks, and a pipe splits
 * a NAR into chunks differently each time. Equal blocks give equal output.
 */
export async function* inBlocks(
  chunks: AsyncIterable<Uint8Array>,
  blockBytes = BLOCK_BYTES,
): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let gathered = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (gathered + rest.byteLength >= blockBytes) {
      const missing = blockBytes - gathered;
      yield Buffer.concat([...pieces, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      pieces = [];
      gathered = 0;
    }
    if (rest.byteLength > 0) pieces.push(rest);
    gathered += rest.byteLength;
  }
  if (gathered > 0) yield Buffer.concat(pieces);
}
