import type { FileHandle } from "node:fs/promises";
import type { BodyRange } from "./http/read-headers.ts";
import { S3Error } from "./s3-error.ts";
import { formatError, formatResult, type XmlElement } from "./xml/format-xml.ts";

/** Bytes of an open file; whoever sends or drops the answer closes it. */
export interface FileSlice extends BodyRange {
  readonly file: FileHandle;
}

/** An answer, ready to send. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | FileSlice;
}

const XML_TYPE = { "content-type": "application/xml" };

export function createXmlAnswer(
  result: XmlElement,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status: 200, headers: { ...XML_TYPE, ...headers }, body: formatResult(result) };
}

/** What nobody expected becomes B2's own 500, which says nothing of it. */
export function createErrorAnswer(error: unknown): Answer {
  const refusal = error instanceof S3Error ? error : new S3Error("InternalError");
  return {
    status: refusal.status,
    headers: { ...XML_TYPE, ...refusal.headers },
    body: formatError(refusal.code, refusal.message),
  };
}

/** Lets go of an answer that will not be sent. */
export async function dropAnswer(answer: Answer): Promise<void> {
  if (typeof answer.body === "object") await answer.body.file.close();
}

// Large enough that a NAR is bound by the disk, small enough for hundreds at once.
const CHUNK_BYTES = 256 * 1024;

/** Reads a slice of a file chunk by chunk, and closes the file. */
export async function* readFileSlice(slice: FileSlice): AsyncGenerator<Uint8Array> {
  const { file, start, length } = slice;
  try {
    let position = start;
    const end = start + length;
    while (position < end) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, position);
      if (bytesRead === 0) throw new Error(`the file ends ${end - position} bytes early`);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
