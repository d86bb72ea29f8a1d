import type { Bucket } from "../bucket/bucket.ts";
import type { BucketPath } from "../bucket/incoming-path.ts";
import { CacheError } from "../cache-error.ts";

/** An object that is read back from the bucket, and how far it has been read. */
export interface Reading {
  readonly path: BucketPath;
  /** The tag of the very object to read: another object may take its name. If it is `undefined`, the first answer gives it. */
  etag: string | undefined;
  /** If it is `undefined`, the first answer gives it. */
  sizeBytes: number | undefined;
  /** The number of bytes that were read. */
  position: number;
}

export type ReadingEnd =
  | "end"
  /** `take` or `mayGoOn` asked to stop. */
  | "stopped"
  /** Another object has the name now. */
  | "changed"
  /** The object has a Content-Encoding, which the platform may have decoded. */
  | "encoded"
  | "gone";

/** Takes the next bytes. They are valid until it resolves. "stop" ends the reading after them. */
export type TakeBytes = (bytes: Uint8Array) => void | Promise<"stop" | undefined>;

// All the memory that a reading takes. See createBodyReader in store-body.ts for the
// reason to use BYOB and large chunks.
const READ_BYTES = 256 * 1024;

/** After this time without a byte, the reading drops the body and asks for it again. */
const STALL_MILLISECONDS = 60_000;

/** Gives up after this many attempts in a row that bring no further byte. */
const FUTILE_ATTEMPTS = 5;

export interface ReadingOptions {
  readonly stallMilliseconds?: number;
  /** Asked before each request. If it returns false, the reading stops. */
  readonly mayGoOn?: () => boolean;
}

/**
 * Reads an object from `reading.position` to its end. After a body that is cut or
 * stalls, it reads on from the same place. Throws `bucket-unavailable` if it cannot
 * read to the end. Passes on what `take` throws.
 */
export async function readBack(
  bucket: Pick<Bucket, "get">,
  reading: Reading,
  take: TakeBytes,
  { stallMilliseconds = STALL_MILLISECONDS, mayGoOn = () => true }: ReadingOptions = {},
): Promise<ReadingEnd> {
  let futile = 0;
  let cause: unknown;
  while (reading.sizeBytes === undefined || reading.position < reading.sizeBytes) {
    if (futile === FUTILE_ATTEMPTS) {
      const where = `${reading.position} of ${reading.sizeBytes} bytes`;
      throw new CacheError(
        "bucket-unavailable",
        `${reading.path} could not be read past ${where}`,
        {
          cause,
          retryAfterSeconds: 30,
        },
      );
    }
    if (!mayGoOn()) return "stopped";
    const before = reading.position;
    try {
      const end = await readOn(bucket, reading, take, stallMilliseconds);
      if (end !== undefined) return end;
    } catch (error) {
      if (error instanceof Untaken) throw error.cause;
      const code = error instanceof CacheError ? error.code : "bucket-unavailable";
      if (code === "range-not-satisfiable") return "changed";
      // Any other failure does not pass by itself.
      if (code !== "bucket-unavailable") throw error;
      cause = error;
    }
    futile = reading.position > before ? 0 : futile + 1;
  }
  return "end";
}

/** Carries what `take` threw, which is no failure of the bucket. */
class Untaken extends Error {}

/**
 * Reads to the end of one answer. Throws if the answer breaks off, after `take` got
 * the bytes that came.
 */
async function readOn(
  bucket: Pick<Bucket, "get">,
  reading: Reading,
  take: TakeBytes,
  stallMilliseconds: number,
): Promise<ReadingEnd | undefined> {
  const giveUp = new AbortController();
  const { position } = reading;
  const range = position === 0 ? undefined : { first: position, last: undefined };
  const stored = await bucket.get(reading.path, range, giveUp.signal);
  if (stored === undefined) return "gone";
  try {
    const wholeBytes = stored.range?.sizeBytes ?? stored.sizeBytes;
    if (stored.etag === undefined || wholeBytes === undefined) {
      throw new RangeError("the answer does not say which object it is of");
    }
    if (stored.contentEncoding !== undefined) return "encoded";
    reading.etag ??= stored.etag;
    reading.sizeBytes ??= wholeBytes;
    if (stored.etag !== reading.etag || wholeBytes !== reading.sizeBytes) return "changed";
    // A bucket that ignores the range sends the bytes before it again.
    const skip = position - (stored.range?.first ?? 0);
    if (skip < 0) throw new RangeError("the answer begins after what was asked for");
    return await readBody(stored.body, wholeBytes - position, skip, take, reading, () =>
      stalled(stallMilliseconds),
    );
  } finally {
    giveUp.abort();
  }
}

/** Passes on `length` bytes of a body after the first `skip` bytes. */
async function readBody(
  body: ReadableStream<Uint8Array>,
  length: number,
  skip: number,
  take: TakeBytes,
  reading: Reading,
  stall: () => Stall,
): Promise<"stopped" | undefined> {
  const reader = body.getReader({ mode: "byob" });
  const end = skip + length;
  let buffer = new ArrayBuffer(Math.min(READ_BYTES, end));
  for (let read = 0; read < end;) {
    const least = Math.min(READ_BYTES, end - read);
    const timer = stall();
    const awaited = reader.readAtLeast(least, new Uint8Array(buffer, 0, least));
    // The stall has won the race, so this failure must not count as unhandled.
    awaited.catch(() => {});
    const { value, done } = await Promise.race([awaited, timer.reached]).finally(timer.clear);
    if (value !== undefined && value.byteLength > 0) {
      const fresh = value.subarray(Math.min(value.byteLength, Math.max(0, skip - read)));
      read += value.byteLength;
      if (fresh.byteLength > 0 && (await pass(fresh, take, reading)) === "stop") return "stopped";
      buffer = value.buffer;
    }
    if (done && read < end) throw new RangeError(`the body ended after ${read} of ${end} bytes`);
  }
  // Frees the memory. V8 would do so when 64 MB of buffers lie about.
  buffer.transfer(0);
  return undefined;
}

async function pass(bytes: Uint8Array, take: TakeBytes, reading: Reading) {
  try {
    const wish = await take(bytes);
    reading.position += bytes.byteLength;
    return wish;
  } catch (cause) {
    throw new Untaken("take failed", { cause });
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
