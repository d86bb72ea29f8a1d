import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { err, ok, type Result } from "../../../src/result.ts";
import type { RequestTarget } from "../http/request-target.ts";
import { S3Error } from "../s3-error.ts";
import { formatCanonicalRequest, formatStringToSign } from "./canonical-request.ts";
import { parseSignatureClaim, type SignatureClaim } from "./signature-claim.ts";

/** Derives the SigV4 signing key of one secret, date and region. */
export type DeriveSigningKey = (secret: string, date: string, region: string) => Buffer;

/** A request whose signature is to be checked. */
export interface RequestToCheck {
  readonly method: string;
  readonly target: Pick<RequestTarget, "path" | "pairs" | "query">;
  readonly headers: IncomingHttpHeaders;
}

export interface SignatureRules<Key> {
  readonly region: string;
  readonly now: Date;
  readonly findKey: (keyId: string) => Key | undefined;
  readonly deriveSigningKey: DeriveSigningKey;
}

export interface CheckedSignature<Key> {
  readonly key: Key;
  /** The SHA-256 that the body must have, in hexadecimal. `undefined` if the body is unsigned. */
  readonly bodySha256: string | undefined;
}

const MAX_SKEW_MS = 15 * 60 * 1000;
const REQUIRED_HEADERS = ["host", "x-amz-date", "x-amz-content-sha256"];
const REQUIRED_PRESIGNED_HEADERS = ["host"];

/**
 * Checks a request's SigV4 signature, which may stand in the headers or in the
 * query. Does not read the body: returns the hash that the body must have, and the
 * reader of the body must check it.
 */
export function checkSignature<Key extends { readonly secret: string }>(
  request: RequestToCheck,
  rules: SignatureRules<Key>,
): Result<CheckedSignature<Key>, S3Error> {
  const claim = parseSignatureClaim(request.headers, request.target.query);
  if (!claim.ok) return claim;
  const refusal =
    checkScope(claim.value, rules.region) ??
    checkSignedHeaders(claim.value, request.headers) ??
    checkTime(claim.value, rules.now);
  if (refusal !== undefined) return err(refusal);
  const bodySha256 = parsePayloadHash(claim.value.payloadHash);
  if (!bodySha256.ok) return bodySha256;
  const key = rules.findKey(claim.value.keyId);
  if (key === undefined) return err(new S3Error("InvalidAccessKeyId"));
  const { date, region } = claim.value;
  const expected = sign(request, claim.value, rules.deriveSigningKey(key.secret, date, region));
  if (!timingSafeEqual(expected, Buffer.from(claim.value.signature, "hex"))) {
    return err(new S3Error("SignatureDoesNotMatch"));
  }
  return ok({ key, bodySha256: bodySha256.value });
}

function sign(request: RequestToCheck, claim: SignatureClaim, signingKey: Buffer): Buffer {
  const canonical = formatCanonicalRequest({
    method: request.method,
    path: request.target.path,
    query: request.target.pairs,
    headers: request.headers,
    signedHeaders: claim.signedHeaders,
    payloadHash: claim.payloadHash,
  });
  const text = formatStringToSign(claim.timestamp, claim.scope, canonical);
  return createHmac("sha256", signingKey).update(text).digest();
}

function checkScope(claim: SignatureClaim, region: string): S3Error | undefined {
  const code =
    claim.expiresSeconds === undefined
      ? "AuthorizationHeaderMalformed"
      : "AuthorizationQueryParametersError";
  if (claim.region !== region) {
    return new S3Error(code, `the region '${claim.region}' is wrong; expecting '${region}'`);
  }
  if (claim.service !== "s3") {
    return new S3Error(code, `the service '${claim.service}' is wrong; expecting 's3'`);
  }
  return undefined;
}

function checkSignedHeaders(
  claim: SignatureClaim,
  headers: IncomingHttpHeaders,
): S3Error | undefined {
  const signed = new Set(claim.signedHeaders);
  for (const name of signed) {
    if (!Object.hasOwn(headers, name)) {
      const what = `header '${name}' is listed in signed headers, but is not present`;
      return new S3Error("InvalidRequest", what);
    }
  }
  const required =
    claim.expiresSeconds === undefined ? REQUIRED_HEADERS : REQUIRED_PRESIGNED_HEADERS;
  const sent = Object.keys(headers).filter((name) => name.startsWith("x-amz-"));
  const unsigned = [...required, ...sent].find((name) => !signed.has(name));
  if (unsigned === undefined) return undefined;
  return new S3Error("AccessDenied", `The header '${unsigned}' was not signed`);
}

function checkTime(claim: SignatureClaim, now: Date): S3Error | undefined {
  const sentMs = parseTimestamp(claim.timestamp);
  if (sentMs === undefined) return new S3Error("AccessDenied", "The request's date is not valid.");
  const ageMs = now.getTime() - sentMs;
  if (claim.expiresSeconds === undefined) {
    return Math.abs(ageMs) > MAX_SKEW_MS ? new S3Error("RequestTimeTooSkewed") : undefined;
  }
  if (ageMs < -MAX_SKEW_MS) return new S3Error("AccessDenied", "Request is not yet valid");
  if (ageMs > claim.expiresSeconds * 1000) {
    return new S3Error("AccessDenied", "Request has expired");
  }
  return undefined;
}

function parseTimestamp(timestamp: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const parsed = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(parsed) ? undefined : parsed;
}

function parsePayloadHash(payloadHash: string): Result<string | undefined, S3Error> {
  if (payloadHash === "UNSIGNED-PAYLOAD") return ok(undefined);
  if (/^[0-9a-f]{64}$/.test(payloadHash)) return ok(payloadHash);
  // Bodies in aws-chunked carry a signature for each chunk. Nargate does not send them.
  if (payloadHash.startsWith("STREAMING-")) return err(new S3Error("NotImplemented"));
  return err(new S3Error("InvalidArgument", "x-amz-content-sha256 is not valid"));
}

// Normal use needs one key for each day and secret. The limit keeps requests with
// many made-up dates from filling the memory.
const MAX_CACHED_KEYS = 64;

/**
 * Returns a key derivation with a cache. Without the cache, the four HMACs for each
 * request would halve the throughput.
 */
export function createSigningKeys(): DeriveSigningKey {
  const cache = new Map<string, Buffer>();
  return (secret, date, region) => {
    const name = `${date}/${region}/${secret}`;
    const known = cache.get(name);
    if (known !== undefined) return known;
    if (cache.size >= MAX_CACHED_KEYS) cache.clear();
    const key = deriveSigningKey(secret, date, region);
    cache.set(name, key);
    return key;
  };
}

function deriveSigningKey(secret: string, date: string, region: string): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), "s3"), "aws4_request");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
