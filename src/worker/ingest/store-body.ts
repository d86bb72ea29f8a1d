import { createHash, type Hash } from "node:crypto";
import type { Bucket, PutOptions, Upload, UploadedPart } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import type { ObjectPath } from "../../nix/object-key.ts";
import { BUFFER_BYTES, type BufferPool, type Lease } from "./buffer-pool.ts";

export interface BodyToStore extends PutOptions {
  readonly path: ObjectPath;
  readonly body: ReadableStream<Uint8Array>;
  /** As declared; the body must have exactly as many bytes. */
  readonly lengthBytes: number;
  /** Lower-case hex. If given, nothing becomes visible unless the bytes hash to it (law 2). */
  readonly sha256: string | undefined;
}

/**
 * Stores a body of any size in the memory of at most two buffers, and hashes it
 * on its way. What fits one buffer is one PUT; what is larger goes up in parts,
 * which become an object only when they are completed.
 */
export async function storeBody(
  input: BodyToStore,
  bucket: Bucket,
  pool: BufferPool,
): Promise<void> {
  const source = createBodyReader(input, pool);
  const lease = await pool.acquire();
  // With a second buffer the next part is read while one is sent; without one, in turns.
  const second = input.lengthBytes > BUFFER_BYTES ? pool.tryAcquire() : undefined;
  const leases = second === undefined ? [lease] : [lease, second];
  try {
    if (input.lengthBytes > BUFFER_BYTES) return await storeParts(input, bucket, source, leases);
    const bytes = await source.fill(lease);
    source.check();
    await bucket.put(input.path, bytes, input);
  } finally {
    for (const used of leases) pool.release(used);
    await source.cancel();
  }
}

async function storeParts(
  input: BodyToStore,
  bucket: Bucket,
  source: BodyReader,
  leases: readonly Lease[],
): Promise<void> {
  const upload = await bucket.createUpload(input.path, input);
  const parts: UploadedPart[] = [];
  const send = async (number: number, bytes: Uint8Array<ArrayBuffer>) => {
    parts.push(await upload.putPart(number, bytes));
  };
  let sending: Promise<void> = Promise.resolve();
  try {
    for (let index = 0; !source.isAtEnd(); index++) {
      if (leases.length === 1) await sending;
      const bytes = await source.fill(leases[index % leases.length] as Lease);
      await sending;
      sending = send(index + 1, bytes);
      // Awaited in the next round; a failure meanwhile must not count as unhandled.
      sending.catch(() => {});
    }
    await sending;
    source.check();
    await complete(upload, parts, input, bucket);
  } catch (error) {
    // The parts in flight still read from the buffers.
    await sending.catch(() => {});
    await upload.abort().catch(() => {});
    throw error;
  }
}

/**
 * A completion whose answer was lost is repeated, and then finds no upload: the
 * object itself tells whether the first one was carried out.
 */
async function complete(
  upload: Upload,
  parts: readonly UploadedPart[],
  input: BodyToStore,
  bucket: Bucket,
): Promise<void> {
  try {
    const outcome = await upload.complete(parts);
    if (outcome !== "completed") {
      throw new CacheError("bucket-unavailable", `the upload of ${input.path} is ${outcome}`);
    }
  } catch (error) {
    const stored = await bucket.head(input.path).catch(() => undefined);
    if (stored?.sizeBytes !== input.lengthBytes) throw error;
  }
}

interface BodyReader {
  /** Fills the leased buffer from its start, as far as the body goes. */
  fill(lease: Lease): Promise<Uint8Array<ArrayBuffer>>;
  isAtEnd(): boolean;
  /** Throws unless all that was announced came, and it hashes as it must. */
  check(): void;
  cancel(): Promise<void>;
}

// Large enough to cost little, small enough that a slow client is never taken
// for one that stopped: that is 4 KB/s.
const READ_BYTES = 256 * 1024;
const STALL_MILLISECONDS = 60_000;

/** What a client sends next; throws when it goes away, or sends too little for a minute. */
async function orStall<T>(reading: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new CacheError("body-too-short", "the client stopped sending"));
    }, STALL_MILLISECONDS);
  });
  try {
    return await Promise.race([reading, stalled]);
  } catch (cause) {
    if (cause instanceof CacheError) throw cause;
    throw new CacheError("body-too-short", "the client went away", { cause });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Reads by BYOB in the largest chunks there are: the default reader's 4 KiB
 * chunks cost four times the CPU. node:crypto hashes cheaper than DigestStream.
 */
function createBodyReader(
  { body, lengthBytes, sha256 }: BodyToStore,
  pool: BufferPool,
): BodyReader {
  const reader = body.getReader({ mode: "byob" });
  const hash: Hash | undefined = sha256 === undefined ? undefined : createHash("sha256");
  let position = 0;
  return {
    async fill(lease) {
      pool.touch(lease);
      const wanted = Math.min(lease.buffer.byteLength, lengthBytes - position);
      let filled = 0;
      while (filled < wanted) {
        const least = Math.min(wanted - filled, READ_BYTES);
        // No longer than what is waited for: workerd reads into memory of its own, as
        // long as the view, and copies. 8 MiB of it are often paged in anew.
        const view = new Uint8Array(lease.buffer, filled, least);
        const { value, done } = await orStall(reader.readAtLeast(least, view));
        if (value !== undefined) {
          lease.buffer = value.buffer;
          filled += value.byteLength;
          // At once, while the bytes are in the processor's cache.
          hash?.update(value);
        }
        if (done && filled < wanted) {
          throw new CacheError("body-too-short", `${position + filled} of ${lengthBytes} bytes`);
        }
      }
      position += filled;
      return new Uint8Array(lease.buffer, 0, filled);
    },
    isAtEnd: () => position >= lengthBytes,
    check() {
      const digest = hash?.digest("hex");
      if (digest !== sha256) {
        throw new CacheError("nar-hash-mismatch", `the bytes hash to ${digest}, not ${sha256}`);
      }
    },
    async cancel() {
      await reader.cancel().catch(() => {});
    },
  };
}
