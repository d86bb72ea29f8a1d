import { CacheError } from "../cache-error.ts";
import { isDecodedByPlatform } from "../../http/text-decoding.ts";

// A listing of 1,000 keys of the longest kind has 2 MB.
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** An answer of the bucket. Its body is unread, or it is in memory and `body` is null. */
export interface S3Answer extends Pick<Response, "status" | "ok" | "headers" | "body"> {
  text(): Promise<string>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * Returns the answer with its whole body in memory, so that the body cannot stall
 * or be cut later. `what` names the request in errors, as "GET <key>".
 *
 * Throws `AnswerTooLarge` if the body is longer than `maxBytes`. Throws another
 * error if the body did not arrive whole, and the client then tries again.
 */
export async function readAnswer(
  response: Response,
  what: string,
  maxBytes = MAX_ANSWER_BYTES,
): Promise<S3Answer> {
  const { headers } = response;
  const length = headers.get("content-length");
  // The answer to a PUT. Reading nothing would take a quarter of the CPU of the request.
  if (length === "0") return inMemory(response, new ArrayBuffer(0));
  const { body } = response;
  if (body === null) return response;
  if (Number(length) > maxBytes) {
    await body.cancel();
    throw new AnswerTooLarge(what, Number(length));
  }
  if (length === null || isDecodedByPlatform(headers.get("content-encoding"))) {
    return inMemory(response, await readAtMost(body, maxBytes, what));
  }
  const bytes = await response.arrayBuffer();
  if (bytes.byteLength !== Number(length))
    throw new RangeError("the answer is shorter than its Content-Length");
  return inMemory(response, bytes);
}

/** Not a `Response`: to make one, and to read it again, would take a tenth of the CPU of the request. */
function inMemory({ status, ok, headers }: Response, bytes: ArrayBuffer): S3Answer {
  return {
    status,
    ok,
    headers,
    body: null,
    text: async () => new TextDecoder().decode(bytes),
    arrayBuffer: async () => bytes,
  };
}

/** Returns the bytes of a body whose length is not known before its end. */
async function readAtMost(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  what: string,
): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new AnswerTooLarge(what, size);
    chunks.push(chunk);
  }
  return await new Blob(chunks).arrayBuffer();
}

/**
 * The error for an answer with more bytes than its reader accepts. For most
 * requests this is a fault of the bucket, so its code is `bucket-unavailable`.
 */
export class AnswerTooLarge extends CacheError {
  constructor(what: string, sizeBytes: number) {
    super("bucket-unavailable", `${what} answered with too many bytes: ${sizeBytes}`);
  }
}
