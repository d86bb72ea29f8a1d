import { err, ok, type Result } from "../result.ts";
import { encodeBase64, parseBase64 } from "./encodings.ts";

type Bytes = Uint8Array<ArrayBuffer>;
// Node's types and workerd's types have no common name for `CryptoKey`.
type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export interface PublicKey {
  readonly name: string;
  /** The 32 bytes of an Ed25519 public key. */
  readonly bytes: Bytes;
}

/** A secret signing key. No code may print or log it. */
export interface SecretKey {
  readonly name: string;
  /** The 32 bytes of the Ed25519 seed, from which the public key follows. */
  readonly seed: Bytes;
  /** The public key as the text has it. `hasMatchingPublicKey` checks that it follows from the seed. */
  readonly publicKey: PublicKey;
}

export interface Signature {
  readonly keyName: string;
  /** The 64 bytes of an Ed25519 signature. */
  readonly bytes: Bytes;
}

/** Parses `name:base64`, an entry of trusted-public-keys. The error is a predicate: "is not a …". */
export function parsePublicKey(text: string): Result<PublicKey> {
  const parts = parseNamedBytes(text, 32);
  return parts === undefined
    ? err("is not a Nix public key, which has the form <name>:<base64 of 32 bytes>")
    : ok(parts);
}

/**
 * Parses a secret key as `nix key generate-secret` writes it: `name:base64`,
 * where the 64 bytes are the seed and the public key. The error is a predicate,
 * "is not a …", and never quotes the text.
 */
export function parseSecretKey(text: string): Result<SecretKey> {
  const parts = parseNamedBytes(text, 64);
  if (parts === undefined) {
    return err("is not a Nix secret key, which has the form <name>:<base64 of 64 bytes>");
  }
  const { name, bytes } = parts;
  return ok({ name, seed: bytes.slice(0, 32), publicKey: { name, bytes: bytes.slice(32) } });
}

/**
 * Parses the value of a narinfo's Sig field. Nix 2.34 and later refuse a narinfo
 * with a malformed signature. The error is a predicate: "is not a …".
 */
export function parseSignature(text: string): Result<Signature> {
  const parts = parseNamedBytes(text, 64);
  return parts === undefined
    ? err("is not a signature, which has the form <key name>:<base64 of 64 bytes>")
    : ok({ keyName: parts.name, bytes: parts.bytes });
}

/** Returns the public half of a secret key, as its text has it. */
export function publicKeyOf(secretKey: SecretKey): PublicKey {
  return secretKey.publicKey;
}

export function formatPublicKey(publicKey: PublicKey): string {
  return `${publicKey.name}:${encodeBase64(publicKey.bytes)}`;
}

export function formatSignature(signature: Signature): string {
  return `${signature.keyName}:${encodeBase64(signature.bytes)}`;
}

/**
 * Whether `signature` over `message` is by `publicKey`. `false` also if the name
 * of the key is not the name in the signature.
 */
export async function verifySignature(
  publicKey: PublicKey,
  message: string,
  signature: Signature,
): Promise<boolean> {
  if (publicKey.name !== signature.keyName) return false;
  const key = await importPublicKey(publicKey);
  return await crypto.subtle.verify("Ed25519", key, signature.bytes, encodeText(message));
}

/** Returns a signature over `message` as Nix writes it, `name:base64`. */
export async function signMessage(secretKey: SecretKey, message: string): Promise<string> {
  const key = await importSecretKey(secretKey);
  const bytes = await crypto.subtle.sign("Ed25519", key, encodeText(message));
  return formatSignature({ keyName: secretKey.name, bytes: new Uint8Array(bytes) });
}

/**
 * Whether the public half of the key follows from its seed. With the halves of
 * two different keys, no client could verify a signature by the public key that
 * the operator publishes.
 */
export async function hasMatchingPublicKey(secretKey: SecretKey): Promise<boolean> {
  const probe = "whether a seed and a public key belong together";
  const signature = parseSignature(await signMessage(secretKey, probe));
  return signature.ok && (await verifySignature(secretKey.publicKey, probe, signature.value));
}

/**
 * Returns a new secret key as `nix key generate-secret` writes it. Throws a
 * `TypeError` if no key can have this name.
 */
export async function generateSecretKey(name: string): Promise<string> {
  if (!isKeyName(name))
    throw new TypeError("a key name must not be empty or hold a space or colon");
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
 * The longest name of a key, in UTF-16 code units. Real names have about 30, such
 * as "cache.example.org-1". Without a limit, one signature with a key name of a
 * megabyte would make a narinfo larger than any client reads.
 */
export const MAX_KEY_NAME_LENGTH = 256;

/** Whether a key may have this name. To Nix, the name is the text before the first colon. */
export function isKeyName(text: string): boolean {
  return text.length <= MAX_KEY_NAME_LENGTH && /^[^\s:\p{Cc}\p{Cf}]+$/u.test(text);
}

// The bytes before the 32 bytes of the seed in a PKCS #8 key (RFC 8410, section 7).
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

// These maps hold keys and never promises of keys: a promise belongs to the
// request that made it, and in workerd no other request may await it.
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
 * The most signatures that a narinfo or realisation keeps. No honest path has
 * more. Every client downloads and parses all of them. Without a limit, the
 * holder of a push token could add signatures one at a time without end.
 */
export const MAX_SIGNATURES = 32;

/**
 * Returns both lists of signatures merged. While the list has room, all existing
 * signatures stay, in their order. An incoming signature is added only if its key
 * has no signature in the list yet. Ed25519 is deterministic: a second signature by
 * the same key over the same message is either equal or wrong.
 *
 * In a list with `MAX_SIGNATURES` signatures, a signature by a known key takes the place of the last signature
 * by an unknown key. Otherwise 32 worthless signatures would keep out the one
 * signature that clients need.
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
