import type { StoredObject } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import { type ByteRange, resolveByteRange } from "../../http/request-headers.ts";

export interface Slice {
  readonly first: number;
  readonly last: number;
  readonly sizeBytes: number;
  readonly body: ReadableStream<Uint8Array>;
}

/**
 * The part of `stored` that `range` asks for. A store may answer a range with
 * the whole object (B2 does for `bytes=0-`); Nix takes anything but the exact
 * part for a failure, so the part is then cut out here.
 */
export function sliceStream(stored: StoredObject, range: ByteRange): Slice {
  const { range: got, body } = stored;
  const sizeBytes = got?.sizeBytes ?? stored.sizeBytes;
  if (sizeBytes === undefined) {
    throw new CacheError("bucket-unavailable", "a range of an object without a length");
  }
  const wanted = resolveByteRange(range, sizeBytes);
  if (wanted === undefined) {
    void body.cancel();
    throw new CacheError("range-not-satisfiable", `of ${sizeBytes} bytes`, {
      subject: `(it has ${sizeBytes} bytes)`,
    });
  }
  if (got === undefined)
    return { ...wanted, sizeBytes, body: cut(body, wanted.first, wanted.last) };
  if (got.first !== wanted.first || got.last !== wanted.last) {
    void body.cancel();
    throw new CacheError("bucket-unavailable", "a 206 with another range than was asked for");
  }
  return { ...wanted, sizeBytes, body };
}

/** The bytes `first` to `last`, inclusive, of a stream. */
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
  // Or the answer would go out without its length.
  return part.pipeThrough(new FixedLengthStream(last - first + 1));
}
