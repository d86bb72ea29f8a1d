import { createHash, timingSafeEqual, type Hash } from "node:crypto";
import type { Readable } from "node:stream";
import { S3Error } from "../s3-error.ts";

/** What a request announced of its body. */
export interface BodyClaims {
  readonly lengthBytes: number | undefined;
  /** The Content-MD5 header. */
  readonly contentMd5: string | undefined;
  /** The signed hash, in hexadecimal. */
  readonly sha256: string | undefined;
}

/**
 * A request's body. Its end comes only once it has kept every claim: whoever
 * publishes at the end publishes nothing else. Throws an `S3Error` otherwise.
 */
export async function* readCheckedBody(
  request: Readable,
  claims: BodyClaims,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  const md5 = parseContentMd5(claims.contentMd5);
  const checks: [Hash, Buffer, S3Error][] = [];
  if (md5 !== undefined) checks.push([createHash("md5"), md5, new S3Error("BadDigest")]);
  if (claims.sha256 !== undefined) {
    const sha256 = Buffer.from(claims.sha256, "hex");
    checks.push([createHash("sha256"), sha256, new S3Error("XAmzContentSHA256Mismatch")]);
  }
  let received = 0;
  for await (const chunk of readUnbroken(request)) {
    received += chunk.byteLength;
    onBytes(chunk.byteLength);
    for (const [hash] of checks) hash.update(chunk);
    yield chunk;
  }
  if (received !== (claims.lengthBytes ?? received)) throw new S3Error("IncompleteBody");
  for (const [hash, expected, failure] of checks) {
    if (!timingSafeEqual(hash.digest(), expected)) throw failure;
  }
}

/** Reads a small body as text. */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > maxBytes) throw new S3Error("MaxMessageLengthExceeded");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

// Giving up on a body must leave the connection to answer on.
async function* readUnbroken(request: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } catch {
    throw new S3Error("IncompleteBody");
  }
}

function parseContentMd5(header: string | undefined): Buffer | undefined {
  if (header === undefined) return undefined;
  const md5 = Buffer.from(header, "base64");
  if (md5.byteLength !== 16) throw new S3Error("InvalidDigest");
  return md5;
}
