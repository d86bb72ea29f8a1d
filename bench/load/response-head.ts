import { err, ok, type Result } from "../../src/result.ts";

/** The parts of an HTTP/1.1 response's head that the benchmark needs. */
export interface ResponseHead {
  readonly status: number;
  /** The bytes before the body. */
  readonly headBytes: number;
  readonly bodyBytes: number;
}

/**
 * Parses the head of a response from text in which each character is one byte.
 * Returns `undefined` if the head is not complete yet. A body must have a
 * Content-Length: no measured server sends chunked bodies.
 */
export function parseResponseHead(text: string): Result<ResponseHead> | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? [];
  if (status === undefined) return err(`is not HTTP/1.1: ${text.slice(0, 40)}`);
  const head = text.slice(0, end);
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  const hasNoBody = status === "204" || status === "304";
  if (length === undefined && !hasNoBody) return err("has a body without a length");
  return ok({
    status: Number(status),
    headBytes: end + 4,
    bodyBytes: hasNoBody ? 0 : Number(length),
  });
}
