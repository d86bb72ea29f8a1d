import { err, ok, type Result } from "../../result.ts";

/** The contents of a handle: an upload, and the token that may continue it. */
export interface UploadClaim {
  /** The path under which the NAR will be stored, relative to the prefix. */
  readonly nar: string;
  /** The path under which the NAR's bytes stay until they are proved. */
  readonly incoming: string;
  /** The size of the NAR in bytes. */
  readonly sizeBytes: number;
  /**
   * The id of the S3 multipart upload. `undefined` if the gateway found the upload
   * already completed: the object in the bucket does not tell the id.
   */
  readonly uploadId: string | undefined;
  /** The name of the token that started the upload. */
  readonly tokenName: string;
  /** The time at which the handle stops working. */
  readonly expires: Date;
}

/** How long a handle stays valid. */
export const HANDLE_SECONDS = 24 * 3600;

// A handle with the longest possible names has 1,000 characters.
const MAX_HANDLE_LENGTH = 4096;

/**
 * Returns a handle: the state of an upload as `<payload>.<signature>`, both in
 * base64url. The gateway has no place to store this state, so the client keeps
 * it. The signature (HMAC-SHA-256) proves that the client changed nothing.
 */
export async function formatUploadHandle(claim: UploadClaim, secret: string): Promise<string> {
  const payload = encode(new TextEncoder().encode(JSON.stringify(claim)));
  const signature = await crypto.subtle.sign("HMAC", await deriveKey(secret), asBytes(payload));
  return `${payload}.${encode(new Uint8Array(signature))}`;
}

/**
 * Parses a handle. Returns an error if this gateway did not sign it, or if it has
 * expired. The error is a predicate for the log: "has expired".
 */
export async function parseUploadHandle(
  handle: string,
  secret: string,
  now: Date,
): Promise<Result<UploadClaim>> {
  const [, payload = "", signature = ""] = /^([\w-]+)\.([\w-]{43})$/.exec(handle) ?? [];
  if (payload === "" || handle.length > MAX_HANDLE_LENGTH) return err("is not a handle");
  const signed = decode(signature);
  // `verify` compares in constant time. Otherwise the time of an answer would help
  // an attacker to guess a signature.
  const isOurs =
    signed !== undefined &&
    (await crypto.subtle.verify("HMAC", await deriveKey(secret), signed, asBytes(payload)));
  if (!isOurs) return err("was not signed by this gateway");
  const claim = parseClaim(new TextDecoder().decode(decode(payload)));
  if (claim === undefined) return err("holds no upload");
  return claim.expires > now ? ok(claim) : err("has expired");
}

/**
 * Returns the key that signs handles, derived from the bucket's application key.
 * Every gateway that works has that key, so the operator has one secret less to
 * set. After a change of the application key, clients must start their unfinished
 * uploads again.
 */
async function deriveKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", asBytes(secret), "HKDF", false, [
    "deriveKey",
  ]);
  return await crypto.subtle.deriveKey(
    {
      name: "HKDF",
      hash: "SHA-256",
      salt: new Uint8Array(),
      info: asBytes("nargate upload handle v1"),
    },
    material,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}

function parseClaim(json: string): UploadClaim | undefined {
  const value: Readonly<Record<string, unknown>> = JSON.parse(json);
  const { nar, incoming, sizeBytes, uploadId, tokenName, expires } = value;
  if (
    typeof nar !== "string" ||
    typeof incoming !== "string" ||
    typeof sizeBytes !== "number" ||
    (typeof uploadId !== "string" && uploadId !== undefined) ||
    typeof tokenName !== "string" ||
    typeof expires !== "string"
  ) {
    return undefined;
  }
  return { nar, incoming, sizeBytes, uploadId, tokenName, expires: new Date(expires) };
}

function asBytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}

function encode(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return undefined;
  }
}
