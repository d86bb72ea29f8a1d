/** A body to send, as `fetch` takes it. */
export interface OutgoingBody {
  readonly body: ReadableStream<Uint8Array>;
  /** Ends the sending. After this call, nothing reads the bytes any more. */
  stop(): void;
}

/**
 * The largest piece that is copied at once. It is the size that uploads are read in,
 * and smaller pieces would cost CPU time for each piece.
 */
const PIECE_BYTES = 256 * 1024;

/** Whether `fetch` may copy the bytes at once, because the copy is no larger than one piece. */
export function isSmall(bytes: Uint8Array): boolean {
  return bytes.byteLength <= PIECE_BYTES;
}

/**
 * Returns a body with these bytes, and with their number as its Content-Length.
 * `fetch` copies an array before it sends it, so each part of an upload would take
 * its 8 MiB twice. From this stream the platform copies one piece at a time.
 *
 * Call `stop` when the answer is there. A server may answer before it has read the
 * body, and the upload then reads its next part into the same memory.
 */
export function streamBytes(bytes: Uint8Array<ArrayBuffer>): OutgoingBody {
  const { readable, writable } = new FixedLengthStream(bytes.byteLength);
  const writer = writable.getWriter();
  let isStopped = false;
  const write = async () => {
    for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES) {
      await writer.write(bytes.subarray(start, start + PIECE_BYTES));
      if (isStopped) return;
    }
    await writer.close();
  };
  // If the request fails, so does the writing. The caller learns it from `fetch`.
  write().catch(() => {});
  return {
    body: readable,
    stop() {
      isStopped = true;
      writer.abort().catch(() => {});
    },
  };
}
