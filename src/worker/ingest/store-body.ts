import { createHash, type Hash } from "node:crypto";
import type { Bucket, PutOptions, Upload, UploadedPart } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import type { ObjectPath } from "../../nix/object-key.ts";
import { FIRST_BUFFERS, type Lease, PART_BUFFERS, type UploadBuffers } from "./buffer-pool.ts";
import { orStall } from "./read-body.ts";

export interface BodyToStore extends PutOptions {
  readonly path: ObjectPath;
  readonly body: ReadableStream<Uint8Array>;
  /** The declared length. The body must have exactly this many bytes. */
  readonly lengthBytes: number;
  /** In lower-case hex. If given, the object becomes visible only if its bytes hash to it (law 2). */
  readonly sha256: string | undefined;
  /** Called with a body that fits a buffer for first bytes, once it is proved and stored. */
  readonly onSmall?: (bytes: Uint8Array) => Promise<void>;
}

/** A body of at most this size needs no buffer: its memory is less than that of its request. */
const TINY_BYTES = 16 * 1024;

/**
 * Stores a body of any size in the memory of at most two buffers, and hashes it
 * while it passes. A body that fits one buffer is one PUT. A larger body is sent
 * in parts, which become an object only when the upload is completed. `owner` is the
 * name of the token. Throws `nar-hash-mismatch`, `body-too-short`, `uploads-busy`,
 * or a failure of the bucket.
 */
export async function storeBody(
  input: BodyToStore,
  bucket: Bucket,
  buffers: UploadBuffers,
  owner: string,
): Promise<void> {
  const source = createBodyReader(input);
  const leases: Lease[] = [];
  const held = (lease: Lease): Lease => {
    leases.push(lease);
    return lease;
  };
  try {
    const first =
      input.lengthBytes <= TINY_BYTES
        ? ownMemory(input.lengthBytes)
        : held(await buffers.first.acquire(owner));
    const head = await source.fill(first);
    if (source.isAtEnd()) {
      await storeWhole(input, bucket, source, head);
      return await input.onSmall?.(head);
    }

    const lease = held(await buffers.parts.acquire(owner));
    new Uint8Array(lease.buffer).set(head);
    first.release();
    if (input.lengthBytes <= PART_BUFFERS.bytes) {
      const bytes = await source.fill(lease, head.byteLength);
      return await storeWhole(input, bucket, source, bytes);
    }
    // With a second buffer, the next part is read while a part is sent. With one
    // buffer, reading and sending take turns.
    const second = buffers.parts.tryAcquire(owner);
    const both = second === undefined ? [lease] : [lease, held(second)];
    await storeParts(input, bucket, source, both, head.byteLength);
  } finally {
    for (const used of leases) used.release();
    await source.cancel();
  }
}

function ownMemory(sizeBytes: number): Lease {
  return { buffer: new ArrayBuffer(sizeBytes), touch: () => {}, release: () => {} };
}

async function storeWhole(
  input: BodyToStore,
  bucket: Bucket,
  source: BodyReader,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  source.check();
  await bucket.put(input.path, bytes, input);
}

/** `filled` bytes of the first lease's buffer hold the beginning of the body already. */
async function storeParts(
  input: BodyToStore,
  bucket: Bucket,
  source: BodyReader,
  leases: readonly Lease[],
  filled: number,
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
      const lease = leases[index % leases.length] as Lease;
      const bytes = await source.fill(lease, index === 0 ? filled : 0);
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
  /**
   * Fills the leased buffer from offset `from` (0 if not given), up to the end of the
   * buffer or of the body. Returns all bytes of the buffer that are filled.
   */
  fill(lease: Lease, from?: number): Promise<Uint8Array<ArrayBuffer>>;
  isAtEnd(): boolean;
  /** Throws `nar-hash-mismatch` unless the bytes hash to the promised SHA-256. */
  check(): void;
  cancel(): Promise<void>;
}

// Large enough to cost little. Small enough that a slow client does not count as
// stalled: 256 KiB in 60 s is 4 KB/s.
const READ_BYTES = FIRST_BUFFERS.bytes;
const STALL_MILLISECONDS = 60_000;

/**
 * Reads the body with a BYOB reader in large chunks: the default reader's chunks
 * of 4 KiB cost four times the CPU. node:crypto costs less than DigestStream.
 */
function createBodyReader({ body, lengthBytes, sha256 }: BodyToStore): BodyReader {
  const reader = body.getReader({ mode: "byob" });
  const hash: Hash | undefined = sha256 === undefined ? undefined : createHash("sha256");
  let position = 0;
  return {
    async fill(lease, from = 0) {
      lease.touch();
      const wanted = Math.min(lease.buffer.byteLength, from + lengthBytes - position);
      let filled = from;
      while (filled < wanted) {
        const least = Math.min(wanted - filled, READ_BYTES);
        // The view is no longer than the bytes that this call waits for. workerd reads
        // into memory of its own that is as long as the view, and then copies; for a
        // view of 8 MiB the system often has to page that memory in again.
        const view = new Uint8Array(lease.buffer, filled, least);
        const { value, done } = await orStall(reader.readAtLeast(least, view), STALL_MILLISECONDS);
        if (value !== undefined) {
          lease.buffer = value.buffer;
          filled += value.byteLength;
          // Hashed at once, while the bytes are in the processor's cache.
          hash?.update(value);
        }
        if (done && filled < wanted) {
          throw new CacheError(
            "body-too-short",
            `${position + filled - from} of ${lengthBytes} bytes`,
          );
        }
      }
      position += filled - from;
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
