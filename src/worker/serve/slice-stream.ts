import type { StoredObject } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import { type ByteRange, resolveByteRange } from "../../http/request-headers.ts";

/** A part of an object. */
export interface Slice {
  /** The offset of the first byte, counted from 0. */
  readonly first: number;
  /** The offset of the last byte, which belongs to the slice. */
  readonly last: number;
  /** The size of the whole object in bytes. */
  readonly sizeBytes: number;
  readonly body: ReadableStream<Uint8Array>;
}

/**
 * Returns the part of `stored` that `range` asks for. A store may answer a range
 * with the whole object, as B2 does for `bytes=0-`. Nix accepts only the exact
 * part, so this function then cuts the part out of the whole.
 *
 * Throws `range-not-satisfiable` if the range lies outside the object, and
 * `bucket-unavailable` if the bucket sent another part, or gave no length.
 */
export function sliceStream(stored: StoredObject, range: ByteRange): Slice {
  const { range: got, body } = stored;
  const sizeBytes = got?.sizeBytes ?? stored.sizeBytes;
  if (sizeBytes === undefined) {
    throw new CacheError(
      "bucket-unavailable",
      "the bucket gave no length for an object, which a range needs",
    );
  }
  const wanted = resolveByteRange(range, sizeBytes);
  if (wanted === undefined) {
    void body.cancel();
    throw new CacheError("range-not-satisfiable", `the object has ${sizeBytes} bytes`, {
      subject: `The object has ${sizeBytes} bytes.`,
      sizeBytes,
    });
  }
  if (got === undefined)
    return { ...wanted, sizeBytes, body: cut(body, wanted.first, wanted.last) };
  if (got.first !== wanted.first || got.last !== wanted.last) {
    void body.cancel();
    throw new CacheError(
      "bucket-unavailable",
      "the bucket answered 206 with another range than the requested one",
    );
  }
  return { ...wanted, sizeBytes, body };
}

/** Returns the bytes of a stream from offset `first` to offset `last`, both included. */
function cut(body: ReadableStream<Uint8Array>, first: number, last: number) {
  let position = 0;
  const part = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const from = Math.max(0, first - position);
        const to = Math.min(chunk.byteLength, last + 1 - position);
        if (from < to) controller.enqueue(chunk.subarray(from, to));
        position += chunk.byteLength;
        if (position > last) controller.terminate();
      },
    }),
  );
  // Without FixedLengthStream the answer would have no Content-Length.
  return part.pipeThrough(new FixedLengthStream(last - first + 1));
}
