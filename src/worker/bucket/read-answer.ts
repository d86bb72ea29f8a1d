import { CacheError } from "../cache-error.ts";
import { isDecodedByPlatform } from "../../http/text-decoding.ts";

// A listing of 1,000 keys of the longest kind has 2 MB.
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

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
  if (bytes.byteLength !== Number(length))
    throw new RangeError("the answer is shorter than its Content-Length");
  return new Response(bytes.byteLength === 0 ? null : bytes, { status, headers });
}

/** Returns the bytes of a body whose length is not known before its end. */
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

/**
 * The error for an answer with more bytes than its reader accepts. For most
 * requests this is a fault of the bucket, so its code is `bucket-unavailable`.
 */
export class AnswerTooLarge extends CacheError {
  constructor(what: string, sizeBytes: number) {
    super("bucket-unavailable", `${what} answered with too many bytes: ${sizeBytes}`);
  }
}
