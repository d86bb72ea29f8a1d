import { createHash, timingSafeEqual, type Hash } from "node:crypto";
import type { Readable } from "node:stream";
import { S3Error } from "../s3-error.ts";

/** The properties of its body that a request announces in its headers. */
export interface BodyClaims {
  readonly lengthBytes: number | undefined;
  /** The Content-MD5 header. */
  readonly contentMd5: string | undefined;
  /** The SHA-256 that the signature covers, in hexadecimal. `undefined` if unsigned. */
  readonly sha256: string | undefined;
  /** The x-amz-checksum-sha256 header. */
  readonly checksumSha256?: string | undefined;
}

/**
 * Yields a request's body. It ends only if the body matches every claim, and
 * throws an `S3Error` otherwise. A caller that publishes the object at the end of
 * the body therefore never publishes wrong bytes.
 */
export async function* readCheckedBody(
  request: Readable,
  claims: BodyClaims,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  const md5 = parseDigest(claims.contentMd5, 16);
  const checksum = parseDigest(claims.checksumSha256, 32);
  const checks: [Hash, Buffer, S3Error][] = [];
  if (md5 !== undefined) checks.push([createHash("md5"), md5, new S3Error("BadDigest")]);
  if (checksum !== undefined) {
    checks.push([createHash("sha256"), checksum, new S3Error("BadDigest")]);
  }
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

/** Reads a body as UTF-8 text. Throws `MaxMessageLengthExceeded` beyond `maxBytes`. */
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

// Without `destroyOnReturn: false`, a caller that stops early would close the
// connection, and the server could not answer.
async function* readUnbroken(request: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } catch {
    throw new S3Error("IncompleteBody");
  }
}

/** Parses a digest in base64. Throws `InvalidDigest` if it does not have `length` bytes. */
function parseDigest(header: string | undefined, length: number): Buffer | undefined {
  if (header === undefined) return undefined;
  const digest = Buffer.from(header, "base64");
  if (digest.byteLength !== length) throw new S3Error("InvalidDigest");
  return digest;
}
