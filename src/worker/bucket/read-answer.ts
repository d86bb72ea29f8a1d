import { CacheError } from "../cache-error.ts";
import { isDecodedByPlatform } from "../../http/text-decoding.ts";

// A listing of 1,000 keys of the longest kind has 2 MB.
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * The answer to `what` with its body in memory, so that it can neither stall nor
 * be cut later on. Throws `bucket-unavailable` for one that is too long, and
 * anything else for one that did not come whole.
 */
export async function readAnswer(
  response: Response,
  what: string,
  maxBytes = MAX_ANSWER_BYTES,
): Promise<Response> {
  const { status, headers, body } = response;
  if (body === null) return response;
  const length = headers.get("content-length");
  if (Number(length) > maxBytes) {
    await body.cancel();
    throw new AnswerTooLarge(what, Number(length));
  }
  if (length === null || isDecodedByPlatform(headers.get("content-encoding"))) {
    return new Response(await readAtMost(body, maxBytes, what), { status, headers });
  }
  const bytes = await response.arrayBuffer();
  if (bytes.byteLength !== Number(length)) throw new RangeError("the answer was cut short");
  return new Response(bytes.byteLength === 0 ? null : bytes, { status, headers });
}

/** A body of which nobody knows the length before its end. */
async function readAtMost(body: ReadableStream<Uint8Array>, maxBytes: number, what: string) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new AnswerTooLarge(what, size);
    chunks.push(chunk);
  }
  return size === 0 ? null : await new Blob(chunks).arrayBuffer();
}

/** An answer has more bytes than its reader accepts. For most answers of the bucket, that is a fault. */
export class AnswerTooLarge extends CacheError {
  constructor(what: string, sizeBytes: number) {
    super("bucket-unavailable", `${what} answered with ${sizeBytes} bytes`);
  }
}
