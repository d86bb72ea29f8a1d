import { err, ok, type Result } from "../../src/result.ts";

/** The head of an HTTP/1.1 response, as far as a benchmark needs it. */
export interface ResponseHead {
  readonly status: number;
  /** Bytes up to the body. */
  readonly headBytes: number;
  readonly bodyBytes: number;
}

/**
 * Reads a response's head from text in which a character is a byte; `undefined`
 * while it is not whole. Bodies must have a length: nothing measured here is
 * sent in chunks.
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
