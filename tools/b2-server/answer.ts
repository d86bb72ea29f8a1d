import type { FileHandle } from "node:fs/promises";
import type { BodyRange } from "./http/read-headers.ts";
import { S3Error } from "./s3-error.ts";
import { formatError, formatResult, type XmlElement } from "./xml/format-xml.ts";

/**
 * A range of bytes of an open file. `readFileSlice` and `dropAnswer` close the
 * file.
 */
export interface FileSlice extends BodyRange {
  readonly file: FileHandle;
}

/** A complete HTTP answer that has not been sent yet. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | FileSlice;
}

const XML_TYPE = { "content-type": "application/xml" };

/** Returns a 200 with `result` as its XML body. */
export function createXmlAnswer(
  result: XmlElement,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status: 200, headers: { ...XML_TYPE, ...headers }, body: formatResult(result) };
}

/**
 * Returns the answer for an error. Anything but an `S3Error` becomes B2's own
 * 500, which reveals nothing about the cause.
 */
export function createErrorAnswer(error: unknown): Answer {
  const refusal = error instanceof S3Error ? error : new S3Error("InternalError");
  return {
    status: refusal.status,
    headers: { ...XML_TYPE, ...refusal.headers },
    body: formatError(refusal.code, refusal.message),
  };
}

/** Closes the file of an answer that will not be sent. */
export async function dropAnswer(answer: Answer): Promise<void> {
  if (typeof answer.body === "object") await answer.body.file.close();
}

// Large enough that the disk limits the speed of a NAR, and small enough that
// hundreds of reads fit into memory at once.
const CHUNK_BYTES = 256 * 1024;

/**
 * Yields the bytes of a slice in chunks, then closes the file. Throws if the
 * file is shorter than the slice.
 */
export async function* readFileSlice(slice: FileSlice): AsyncGenerator<Uint8Array> {
  const { file, start, length } = slice;
  try {
    let position = start;
    const end = start + length;
    while (position < end) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, position);
      if (bytesRead === 0)
        throw new Error(`the object's file is ${end - position} bytes too short`);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
