import { err, ok, type Result } from "../result.ts";
import { encodeNix32, parseNix32, encodeBase64, parseBase64 } from "./encodings.ts";

const DIGEST_BYTES = { md5: 16, sha1: 20, sha256: 32, sha512: 64 } as const;

export type HashAlgorithm = keyof typeof DIGEST_BYTES;

export interface Hash {
  readonly algorithm: HashAlgorithm;
  readonly bytes: Uint8Array;
}

type DigestEncoding = "nix32" | "base16" | "base64";

/**
 * Parses `algo:digest` or an SRI hash, `algo-base64`, as
 * `Hash::parseAnyPrefixed` does (libutil/hash.cc). The length of the digest
 * tells its encoding. Base64 must be padded, and its unused bits must be zero.
 * Refuses BLAKE3, which is experimental in Nix.
 *
 * The error is a clause without a full stop, and does not quote the text.
 */
export function parseHash(text: string): Result<Hash> {
  const match = /^([a-z0-9]+)([:-])(.*)$/s.exec(text);
  if (match === null) return err("hash does not begin with an algorithm, as in sha256:");
  const [, algorithm = "", separator, digest = ""] = match;
  if (!isHashAlgorithm(algorithm)) return err("hash algorithm is not md5, sha1, sha256 or sha512");
  const bytes = separator === "-" ? parseBase64(digest) : parseDigest(digest, algorithm);
  if (!bytes.ok) return err(`hash is malformed: ${bytes.error}`);
  if (bytes.value.length !== DIGEST_BYTES[algorithm]) {
    return err("hash has the wrong length for its algorithm");
  }
  return ok({ algorithm, bytes: bytes.value });
}

/** Returns `algo:digest`, or `algo-base64` for "sri". Nix writes "nix32" in narinfos. */
export function formatHash(hash: Hash, encoding: DigestEncoding | "sri"): string {
  return encoding === "sri"
    ? `${hash.algorithm}-${encodeBase64(hash.bytes)}`
    : `${hash.algorithm}:${formatDigest(hash, encoding)}`;
}

/** Returns the digest without its algorithm, as in the names of NARs and store paths. */
export function formatDigest(hash: Hash, encoding: DigestEncoding): string {
  switch (encoding) {
    case "nix32":
      return encodeNix32(hash.bytes);
    case "base16":
      return encodeBase16(hash.bytes);
    case "base64":
      return encodeBase64(hash.bytes);
  }
}

/** Whether both hashes are the same. Does not compare in constant time, because these hashes are public. */
export function equalHashes(a: Hash, b: Hash): boolean {
  return (
    a.algorithm === b.algorithm &&
    a.bytes.length === b.bytes.length &&
    a.bytes.every((byte, index) => byte === b.bytes[index])
  );
}

export function isHashAlgorithm(text: string): text is HashAlgorithm {
  return Object.hasOwn(DIGEST_BYTES, text);
}

// The length tells the encoding: a sha256 digest has 64 characters in base16, 52
// in nix32 and 44 in base64. The three lengths differ for the other algorithms too.
function parseDigest(text: string, algorithm: HashAlgorithm): Result<Uint8Array> {
  const byteLength = DIGEST_BYTES[algorithm];
  switch (text.length) {
    case byteLength * 2:
      return parseBase16(text);
    case Math.ceil((byteLength * 8) / 5):
      return parseNix32(text);
    case Math.ceil(byteLength / 3) * 4:
      return parseBase64(text);
    default:
      return err(`no ${algorithm} digest has this length in base16, nix32 or base64`);
  }
}

function encodeBase16(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function parseBase16(text: string): Result<Uint8Array> {
  if (!/^[0-9a-f]*$/i.test(text)) return err("base16 text holds a character outside 0-9 and a-f");
  return ok(Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}
