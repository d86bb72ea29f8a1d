import { err, ok, type Result } from "../../result.ts";

/** What a handle says of an upload that its holder may continue. */
export interface UploadClaim {
  /** Where it is to be stored, relative to the prefix. */
  readonly nar: string;
  /** Where it lies until then. */
  readonly incoming: string;
  readonly sizeBytes: number;
  /** Undefined where it was found completed, so that nobody knows its id any more. */
  readonly uploadId: string | undefined;
  /** Of the token it was given to. */
  readonly tokenName: string;
  readonly expires: Date;
}

/** For so long a handle works. */
export const HANDLE_SECONDS = 24 * 3600;

// A handle of the longest names there are has 1,000 characters.
const MAX_HANDLE_LENGTH = 4096;

/**
 * An upload's state, kept by who uploads: the gateway has no place to keep it.
 * It is signed, so that it comes back as it was given.
 */
export async function formatUploadHandle(claim: UploadClaim, secret: string): Promise<string> {
  const payload = encode(new TextEncoder().encode(JSON.stringify(claim)));
  const signature = await crypto.subtle.sign("HMAC", await deriveKey(secret), asBytes(payload));
  return `${payload}.${encode(new Uint8Array(signature))}`;
}

/** Reads a handle; one that is not ours, or no longer, is an error. */
export async function parseUploadHandle(
  handle: string,
  secret: string,
  now: Date,
): Promise<Result<UploadClaim>> {
  const [, payload = "", signature = ""] = /^([\w-]+)\.([\w-]{43})$/.exec(handle) ?? [];
  if (payload === "" || handle.length > MAX_HANDLE_LENGTH) return err("is not a handle");
  const signed = decode(signature);
  // Compares in constant time, so that no answer's time helps to guess a signature.
  const isOurs =
    signed !== undefined &&
    (await crypto.subtle.verify("HMAC", await deriveKey(secret), signed, asBytes(payload)));
  if (!isOurs) return err("was not signed here");
  const claim = parseClaim(new TextDecoder().decode(decode(payload)));
  if (claim === undefined) return err("says something else");
  return claim.expires > now ? ok(claim) : err("has expired");
}

/**
 * Made from the bucket's application key, which is there wherever the gateway
 * works: one secret less to set. A new one ends the uploads that are under way.
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
