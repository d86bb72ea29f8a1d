import { CacheError } from "../cache-error.ts";

/** A stream whose first bytes are known, and which is counted while it passes. */
export interface CountedStream {
  /** The first bytes, which `body` has too. Fewer than were asked for if the stream is shorter. */
  readonly head: Uint8Array;
  readonly body: ReadableStream<Uint8Array>;
  /** Resolves when all bytes have passed. Rejects if they are too few or too many, or if the reader goes away. */
  readonly arrived: Promise<void>;
}

/**
 * Reads the first `headBytes` bytes of a stream of `sizeBytes` bytes, and passes the
 * rest on. Throws `bucket-unavailable` if the first bytes do not come.
 */
export async function countStream(
  body: ReadableStream<Uint8Array>,
  headBytes: number,
  sizeBytes: number,
): Promise<CountedStream> {
  const head = await readHead(body, Math.min(headBytes, sizeBytes));
  // The platform moves the rest without the help of JavaScript. workerd never ends a
  // stream that passes through two of these and is then split by tee().
  const { readable, writable } = new FixedLengthStream(sizeBytes);
  const arrived = passOn(head, body, writable);
  // Not everyone waits for it. A failure reaches the reader of `body` all the same.
  arrived.catch(() => {});
  return { head, body: readable, arrived };
}

async function readHead(body: ReadableStream<Uint8Array>, count: number): Promise<Uint8Array> {
  if (count === 0) return new Uint8Array();
  const reader = body.getReader({ mode: "byob" });
  try {
    const { value } = await reader.readAtLeast(count, new Uint8Array(count));
    return value ?? new Uint8Array();
  } catch (cause) {
    throw new CacheError("bucket-unavailable", "the body broke off at its beginning", { cause });
  } finally {
    reader.releaseLock();
  }
}

async function passOn(
  head: Uint8Array,
  rest: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
): Promise<void> {
  const writer = writable.getWriter();
  try {
    await writer.write(head);
    writer.releaseLock();
  } catch (error) {
    await rest.cancel(error).catch(() => {});
    throw error;
  }
  await rest.pipeTo(writable);
}
