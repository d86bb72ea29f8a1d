import { CacheError } from "../cache-error.ts";
import type { Lease } from "./buffer-pool.ts";
import type { Push } from "./push-context.ts";

/** Returns the Content-Length of a request in bytes. Throws `length-required` without one: S3 stores no body of unknown length, and Nix always knows it. */
export function contentLength(request: Request): number {
  const header = request.headers.get("content-length");
  if (header === null || !/^\d{1,15}$/.test(header))
    throw new CacheError("length-required", `${header}`);
  return Number(header);
}

/**
 * Waits for bytes of the client. Throws `body-too-short` if it disconnects, or if
 * they have not arrived after `milliseconds`.
 */
export async function orStall<T>(reading: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new CacheError("body-too-short", "the client stopped sending"));
    }, milliseconds);
  });
  try {
    return await Promise.race([reading, stalled]);
  } catch (cause) {
    if (cause instanceof CacheError) throw cause;
    throw new CacheError("body-too-short", "the client went away", { cause });
  } finally {
    clearTimeout(timer);
  }
}

const SMALL_DOCUMENT_BYTES = 64 * 1024;

/**
 * Waits for room for a document that the gateway reads into memory. Nearly all documents
 * have a few kilobytes and take none; a large one counts as a buffer (law 7).
 */
export async function leaseForDocument(
  lengthBytes: number,
  { buffers, by }: Pick<Push, "buffers" | "by">,
): Promise<Pick<Lease, "release">> {
  return lengthBytes > SMALL_DOCUMENT_BYTES
    ? await buffers.parts.acquire(by)
    : { release: () => {} };
}

// For a whole document. The largest has 4 MiB: 35 KB/s.
const DOCUMENT_MILLISECONDS = 120_000;

/** Reads a small text body to its end. Throws if it is longer than `maxBytes`, cut short, or not UTF-8. */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  lengthBytes: number,
  maxBytes: number,
): Promise<string> {
  if (lengthBytes > maxBytes) {
    throw new CacheError("body-too-large", `${lengthBytes} bytes`, {
      subject: `(${maxBytes} bytes).`,
    });
  }
  const bytes =
    body === null
      ? new ArrayBuffer(0)
      : await orStall(new Response(body).arrayBuffer(), DOCUMENT_MILLISECONDS);
  if (bytes.byteLength !== lengthBytes) {
    throw new CacheError("body-too-short", `${bytes.byteLength} of ${lengthBytes} bytes`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CacheError("body-not-text", "not UTF-8", { cause });
  }
}
