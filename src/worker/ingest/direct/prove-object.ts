import { createHash } from "node:crypto";
import type { Bucket } from "../../bucket/bucket.ts";
import type { BucketPath } from "../../bucket/incoming-path.ts";
import { CacheError } from "../../cache-error.ts";

export interface ObjectToProve {
  readonly path: BucketPath;
  readonly sizeBytes: number;
  /** Of the object that is meant: another one under its name is not. */
  readonly etag: string;
}

export type Proof =
  | { readonly kind: "hashed"; readonly sha256: string }
  /** Another object has its name by now, or none. */
  | { readonly kind: "changed" }
  | { readonly kind: "gone" };

export interface ProofOptions {
  /** Called with the bytes hashed so far. */
  readonly onProgress?: (bytes: number) => void;
  /** Without a byte for so long, the body is given up and asked for again. */
  readonly stallMilliseconds?: number;
}

// All the memory that a proof takes. By BYOB, and in the largest chunks there
// are; see createBodyReader in store-body.ts.
const READ_BYTES = 256 * 1024;
const STALL_MILLISECONDS = 60_000;

/** In a row, each without one byte more than before. */
const FUTILE_ATTEMPTS = 5;

/**
 * Reads an object back and hashes it (law 2). A body that is cut or stalls goes
 * on where it stood. Throws `bucket-unavailable` when it cannot be read to its
 * end: fewer bytes than there are prove nothing.
 */
export async function proveObject(
  bucket: Pick<Bucket, "get">,
  object: ObjectToProve,
  { onProgress = () => {}, stallMilliseconds = STALL_MILLISECONDS }: ProofOptions = {},
): Promise<Proof> {
  const hash = createHash("sha256");
  let position = 0;
  let futile = 0;
  let cause: unknown;

  /** Hashes the next bytes of the object. */
  function take(bytes: Uint8Array): void {
    hash.update(bytes);
    position += bytes.byteLength;
    onProgress(position);
  }

  while (position < object.sizeBytes) {
    if (futile === FUTILE_ATTEMPTS) {
      const where = `${position} of ${object.sizeBytes} bytes`;
      throw new CacheError("bucket-unavailable", `${object.path} could not be read past ${where}`, {
        cause,
        retryAfterSeconds: 30,
      });
    }
    const before = position;
    try {
      const end = await readOn(bucket, object, position, stallMilliseconds, take);
      if (end !== undefined) return { kind: end };
    } catch (error) {
      const code = error instanceof CacheError ? error.code : "bucket-unavailable";
      if (code === "range-not-satisfiable") return { kind: "changed" };
      // Others are no bad moment of the bucket, which passes.
      if (code !== "bucket-unavailable") throw error;
      cause = error;
    }
    futile = position > before ? 0 : futile + 1;
  }
  return { kind: "hashed", sha256: hash.digest("hex") };
}

/**
 * Reads from `position` on, as far as one answer goes. Throws when it breaks
 * off, after `take` got what came.
 */
async function readOn(
  bucket: Pick<Bucket, "get">,
  { path, sizeBytes, etag }: ObjectToProve,
  position: number,
  stallMilliseconds: number,
  take: (bytes: Uint8Array) => void,
): Promise<"changed" | "gone" | undefined> {
  const giveUp = new AbortController();
  const range = position === 0 ? undefined : { first: position, last: undefined };
  const stored = await bucket.get(path, range, giveUp.signal);
  if (stored === undefined) return "gone";
  try {
    const wholeBytes = stored.range?.sizeBytes ?? stored.sizeBytes;
    if (stored.etag === undefined || wholeBytes === undefined) {
      throw new RangeError("the answer does not say which object it is of");
    }
    if (stored.etag !== etag || wholeBytes !== sizeBytes) return "changed";
    // Where the range was not heeded, the bytes before it are read once more.
    const skip = position - (stored.range?.first ?? 0);
    if (skip < 0) throw new RangeError("the answer begins after what was asked for");
    await readBody(stored.body, sizeBytes - position, skip, take, () => stalled(stallMilliseconds));
    return undefined;
  } finally {
    giveUp.abort();
  }
}

/** Hands on `length` bytes of a body after the first `skip`. */
async function readBody(
  body: ReadableStream<Uint8Array>,
  length: number,
  skip: number,
  take: (bytes: Uint8Array) => void,
  stall: () => Stall,
): Promise<void> {
  const reader = body.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(READ_BYTES);
  const end = skip + length;
  for (let read = 0; read < end;) {
    const least = Math.min(READ_BYTES, end - read);
    const timer = stall();
    const reading = reader.readAtLeast(least, new Uint8Array(buffer, 0, least));
    // Lost to the stall, it must not count as unhandled.
    reading.catch(() => {});
    const { value, done } = await Promise.race([reading, timer.reached]).finally(timer.clear);
    if (value !== undefined && value.byteLength > 0) {
      const fresh = value.subarray(Math.min(value.byteLength, Math.max(0, skip - read)));
      read += value.byteLength;
      if (fresh.byteLength > 0) take(fresh);
      buffer = value.buffer;
    }
    if (done && read < end) throw new RangeError(`the body ended after ${read} of ${end} bytes`);
  }
}

interface Stall {
  readonly reached: Promise<never>;
  readonly clear: () => void;
}

function stalled(milliseconds: number): Stall {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reached = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RangeError("the body stalled")), milliseconds);
  });
  return { reached, clear: () => clearTimeout(timer) };
}
