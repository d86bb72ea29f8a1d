import { err, ok, type Result } from "../result.ts";
import { encodeBase64, parseBase64 } from "./encodings.ts";

type Bytes = Uint8Array<ArrayBuffer>;
// `CryptoKey` has no name that Node's types and workerd's share.
type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export interface PublicKey {
  readonly name: string;
  /** 32 of them. */
  readonly bytes: Bytes;
}

/** A secret: nothing may print or log it. */
export interface SecretKey {
  readonly name: string;
  /** 32 of them, from which the rest follows. */
  readonly seed: Bytes;
  /** The other half as written; see `hasMatchingPublicKey`. */
  readonly publicKey: PublicKey;
}

export interface Signature {
  readonly keyName: string;
  /** 64 of them. */
  readonly bytes: Bytes;
}

/** Reads `name:base64`, an entry of trusted-public-keys. Errors are predicates: "is not …". */
export function parsePublicKey(text: string): Result<PublicKey> {
  const parts = parseNamedBytes(text, 32);
  return parts === undefined
    ? err("is not a Nix public key, a name and 32 bytes as name:base64")
    : ok(parts);
}

/**
 * Reads what `nix key generate-secret` writes: `name:base64` of seed and
 * public key. The error never quotes the text.
 */
export function parseSecretKey(text: string): Result<SecretKey> {
  const parts = parseNamedBytes(text, 64);
  if (parts === undefined) {
    return err("is not a Nix secret key, a name and 64 bytes as name:base64");
  }
  const { name, bytes } = parts;
  return ok({ name, seed: bytes.slice(0, 32), publicKey: { name, bytes: bytes.slice(32) } });
}

/** Reads a `Sig` of a narinfo. Nix 2.34 and later refuse a narinfo with a malformed one. */
export function parseSignature(text: string): Result<Signature> {
  const parts = parseNamedBytes(text, 64);
  return parts === undefined
    ? err("is not a signature, a key name and 64 bytes as name:base64")
    : ok({ keyName: parts.name, bytes: parts.bytes });
}

export function publicKeyOf(secretKey: SecretKey): PublicKey {
  return secretKey.publicKey;
}

export function formatPublicKey(publicKey: PublicKey): string {
  return `${publicKey.name}:${encodeBase64(publicKey.bytes)}`;
}

export function formatSignature(signature: Signature): string {
  return `${signature.keyName}:${encodeBase64(signature.bytes)}`;
}

/** False as well when the key has another name than the signature says. */
export async function verifySignature(
  publicKey: PublicKey,
  message: string,
  signature: Signature,
): Promise<boolean> {
  if (publicKey.name !== signature.keyName) return false;
  const key = await importPublicKey(publicKey);
  return await crypto.subtle.verify("Ed25519", key, signature.bytes, encodeText(message));
}

/** The signature as Nix writes it, `name:base64`. */
export async function signMessage(secretKey: SecretKey, message: string): Promise<string> {
  const key = await importSecretKey(secretKey);
  const bytes = await crypto.subtle.sign("Ed25519", key, encodeText(message));
  return formatSignature({ keyName: secretKey.name, bytes: new Uint8Array(bytes) });
}

/**
 * Whether the public half is the seed's own. A key glued together from two
 * would sign what nobody can verify by the public key it shows.
 */
export async function hasMatchingPublicKey(secretKey: SecretKey): Promise<boolean> {
  const probe = "whether a seed and a public key belong together";
  const signature = parseSignature(await signMessage(secretKey, probe));
  return signature.ok && (await verifySignature(secretKey.publicKey, probe, signature.value));
}

/** A new secret key as `nix key generate-secret` writes it. Throws on a name no key can have. */
export async function generateSecretKey(name: string): Promise<string> {
  if (!isKeyName(name)) throw new TypeError("a key name is not empty and has no space or colon");
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const { privateKey, publicKey } = pair as Record<"privateKey" | "publicKey", ImportedKey>;
  const pkcs8 = (await crypto.subtle.exportKey("pkcs8", privateKey)) as ArrayBuffer;
  const seed = new Uint8Array(pkcs8).slice(PKCS8_HEADER.length);
  const publicBytes = new Uint8Array(
    (await crypto.subtle.exportKey("raw", publicKey)) as ArrayBuffer,
  );
  return `${name}:${encodeBase64(Uint8Array.of(...seed, ...publicBytes))}`;
}

/**
 * The longest name of a key, in UTF-16 code units. Real names have some 30, such
 * as "cache.example.org-1". Without a limit, one signature whose key name has a
 * megabyte would make a narinfo larger than anyone reads.
 */
export const MAX_KEY_NAME_LENGTH = 256;

/** Whether a key may have this name. Nix takes the text before the first colon. */
export function isKeyName(text: string): boolean {
  return text.length <= MAX_KEY_NAME_LENGTH && /^[^\s:\p{Cc}]+$/u.test(text);
}

// What stands before the 32 bytes of a seed in PKCS #8 (RFC 8410, section 7).
const PKCS8_HEADER = Uint8Array.of(
  0x30,
  0x2e,
  0x02,
  0x01,
  0x00,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x70,
  0x04,
  0x22,
  0x04,
  0x20,
);

// The keys themselves and not promises of them: a promise belongs to the
// request that made it, and in workerd another request must not await it.
const importedPublicKeys = new WeakMap<PublicKey, ImportedKey>();
const importedSecretKeys = new WeakMap<SecretKey, ImportedKey>();

async function importPublicKey(publicKey: PublicKey): Promise<ImportedKey> {
  const known = importedPublicKeys.get(publicKey);
  if (known !== undefined) return known;
  const key = await crypto.subtle.importKey("raw", publicKey.bytes, "Ed25519", false, ["verify"]);
  importedPublicKeys.set(publicKey, key);
  return key;
}

async function importSecretKey(secretKey: SecretKey): Promise<ImportedKey> {
  const known = importedSecretKeys.get(secretKey);
  if (known !== undefined) return known;
  const pkcs8 = Uint8Array.of(...PKCS8_HEADER, ...secretKey.seed);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  importedSecretKeys.set(secretKey, key);
  return key;
}

function parseNamedBytes(
  text: string,
  byteLength: number,
): { name: string; bytes: Bytes } | undefined {
  const colon = text.indexOf(":");
  if (colon === -1) return undefined;
  const name = text.slice(0, colon);
  const bytes = parseBase64(text.slice(colon + 1));
  if (!isKeyName(name) || !bytes.ok || bytes.value.length !== byteLength) return undefined;
  return { name, bytes: bytes.value };
}

function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}

/**
 * The most signatures that a narinfo or realisation keeps; no honest path has
 * more. Every client downloads and parses all of them, and without a limit the
 * holder of a push token could add one signature at a time forever.
 */
export const MAX_SIGNATURES = 32;

/**
 * Merges two lists of signatures. Every existing signature stays, in its order.
 * An incoming signature is added if its key has none yet: Ed25519 is
 * deterministic, so a second signature by the same key over the same message is
 * either equal or wrong.
 *
 * In a full list, a signature by a known key takes the place of the last one by an
 * unknown key. Otherwise 32 worthless signatures would keep out the one signature
 * that clients ask for.
 */
export function mergeSignatures(
  existing: readonly string[],
  incoming: readonly string[],
  isKnownKey: (keyName: string) => boolean = () => false,
): string[] {
  const signed = new Set(existing.map(keyNameOf));
  const merged = [...existing];
  for (const signature of incoming) {
    const keyName = keyNameOf(signature);
    if (signed.has(keyName)) continue;
    if (merged.length >= MAX_SIGNATURES) {
      const place = merged.findLastIndex((held) => !isKnownKey(keyNameOf(held)));
      if (place === -1 || !isKnownKey(keyName)) continue;
      merged.splice(place, 1);
    }
    signed.add(keyName);
    merged.push(signature);
  }
  return merged;
}

function keyNameOf(signature: string): string {
  return signature.split(":", 1)[0] ?? "";
}
