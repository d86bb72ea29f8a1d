import { createHash } from "node:crypto";
import type { Bucket } from "../../bucket/bucket.ts";
import type { BucketPath } from "../../bucket/incoming-path.ts";
import { CacheError } from "../../cache-error.ts";

export interface ObjectToProve {
  readonly path: BucketPath;
  readonly sizeBytes: number;
  /** The tag of the very object to prove: another object may take its name. */
  readonly etag: string;
}

export type Proof =
  | { readonly kind: "hashed"; readonly sha256: string }
  /** Another object has the name now. */
  | { readonly kind: "changed" }
  | { readonly kind: "gone" };

export interface ProofOptions {
  /** Called with the number of bytes hashed so far. */
  readonly onProgress?: (bytes: number) => void;
  /** After this time without a byte, the proof drops the body and asks for it again. */
  readonly stallMilliseconds?: number;
}

// All the memory that a proof takes. See createBodyReader in store-body.ts for the
// reason to use BYOB and large chunks.
const READ_BYTES = 256 * 1024;
const STALL_MILLISECONDS = 60_000;

/** Gives up after this many attempts in a row that bring no further byte. */
const FUTILE_ATTEMPTS = 5;

/**
 * Reads an object back and hashes it (law 2). After a body that is cut or stalls,
 * it reads on from the same place. Throws `bucket-unavailable` if it cannot read
 * to the end: a part of the bytes proves nothing.
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
      // Any other failure does not pass by itself.
      if (code !== "bucket-unavailable") throw error;
      cause = error;
    }
    futile = position > before ? 0 : futile + 1;
  }
  return { kind: "hashed", sha256: hash.digest("hex") };
}

/**
 * Reads from `position` to the end of one answer. Throws if the answer breaks off,
 * after `take` got the bytes that came.
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
    // A bucket that ignores the range sends the bytes before it again.
    const skip = position - (stored.range?.first ?? 0);
    if (skip < 0) throw new RangeError("the answer begins after what was asked for");
    await readBody(stored.body, sizeBytes - position, skip, take, () => stalled(stallMilliseconds));
    return undefined;
  } finally {
    giveUp.abort();
  }
}

/** Passes on `length` bytes of a body after the first `skip` bytes. */
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
    // The stall has won the race, so this failure must not count as unhandled.
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
