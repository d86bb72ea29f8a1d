import { createHash, type Hash } from "node:crypto";
import type { Bucket, PutOptions, Upload, UploadedPart } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import type { ObjectPath } from "../../nix/object-key.ts";
import { BUFFER_BYTES, type BufferPool, type Lease } from "./buffer-pool.ts";

export interface BodyToStore extends PutOptions {
  readonly path: ObjectPath;
  readonly body: ReadableStream<Uint8Array>;
  /** The declared length. The body must have exactly this many bytes. */
  readonly lengthBytes: number;
  /** In lower-case hex. If given, the object becomes visible only if its bytes hash to it (law 2). */
  readonly sha256: string | undefined;
}

/**
 * Stores a body of any size in the memory of at most two buffers, and hashes it
 * while it passes. A body that fits one buffer is one PUT. A larger body is sent
 * in parts, which become an object only when the upload is completed. Throws
 * `nar-hash-mismatch`, `body-too-short`, `uploads-busy`, or a failure of the bucket.
 */
export async function storeBody(
  input: BodyToStore,
  bucket: Bucket,
  pool: BufferPool,
): Promise<void> {
  const source = createBodyReader(input, pool);
  const lease = await pool.acquire();
  // With a second buffer, the next part is read while a part is sent. With one
  // buffer, reading and sending take turns.
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
      // The next round awaits this. Until then a failure must not count as unhandled.
      sending.catch(() => {});
    }
    await sending;
    source.check();
    await complete(upload, parts, input, bucket);
  } catch (error) {
    // The part that is being sent still reads from its buffer.
    await sending.catch(() => {});
    await upload.abort().catch(() => {});
    throw error;
  }
}

/**
 * Completes the upload. If the answer to the first completion is lost, the client
 * repeats it and finds no upload; the object then shows whether the first
 * completion worked.
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
  /** Fills the leased buffer from its start, up to the end of the body. */
  fill(lease: Lease): Promise<Uint8Array<ArrayBuffer>>;
  isAtEnd(): boolean;
  /** Throws `nar-hash-mismatch` unless the bytes hash to the promised SHA-256. */
  check(): void;
  cancel(): Promise<void>;
}

// Large enough to cost little. Small enough that a slow client does not count as
// stalled: 256 KiB in 60 s is 4 KB/s.
const READ_BYTES = 256 * 1024;
const STALL_MILLISECONDS = 60_000;

/** Waits for the client's next bytes. Throws `body-too-short` if it disconnects, or sends too little in a minute. */
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
 * Reads the body with a BYOB reader in large chunks: the default reader's chunks
 * of 4 KiB cost four times the CPU. node:crypto costs less than DigestStream.
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
        // The view is no longer than the bytes that this call waits for. workerd reads
        // into memory of its own that is as long as the view, and then copies; for a
        // view of 8 MiB the system often has to page that memory in again.
        const view = new Uint8Array(lease.buffer, filled, least);
        const { value, done } = await orStall(reader.readAtLeast(least, view));
        if (value !== undefined) {
          lease.buffer = value.buffer;
          filled += value.byteLength;
          // Hashed at once, while the bytes are in the processor's cache.
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
