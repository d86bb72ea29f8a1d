import { err, ok, type Result } from "../result.ts";

/** The digits of nix32. It has no e, o, u and t, so that no hash spells a word (base-nix-32.hh). */
const NIX32_ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz";

const DIGITS: ReadonlyMap<string, number> = new Map(
  [...NIX32_ALPHABET].map((character, digit) => [character, digit]),
);

/**
 * Returns `bytes` in nix32, Nix's own base 32: five bits a digit, no padding.
 * The least significant bits of the first byte come last (libutil/base-nix-32.cc).
 */
export function encodeNix32(bytes: Uint8Array): string {
  let text = "";
  for (let digit = lengthOfEncoded(bytes.length) - 1; digit >= 0; digit--) {
    const bit = digit * 5;
    const byte = bit >> 3;
    const pair = ((bytes[byte + 1] ?? 0) << 8) | (bytes[byte] ?? 0);
    text += NIX32_ALPHABET.charAt((pair >> (bit & 7)) & 31);
  }
  return text;
}

/** Parses nix32. Refuses a text with leftover bits, so each value has exactly one text. */
export function parseNix32(text: string): Result<Uint8Array> {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  if (lengthOfEncoded(bytes.length) !== text.length) return err("no nix32 text has this length");
  for (let index = 0; index < text.length; index++) {
    const digit = DIGITS.get(text.charAt(text.length - 1 - index));
    if (digit === undefined) return err("nix32 text holds a character outside its alphabet");
    const bit = index * 5;
    const byte = bit >> 3;
    const pair = digit << (bit & 7);
    const carry = pair >> 8;
    // A typed array ignores writes past its end. Without this check the bits would be lost.
    if (carry !== 0 && byte + 1 >= bytes.length)
      return err("the first nix32 digit has unused bits that are not zero");
    bytes[byte] = (bytes[byte] ?? 0) | (pair & 0xff);
    if (carry !== 0) bytes[byte + 1] = carry;
  }
  return ok(bytes);
}

function lengthOfEncoded(byteLength: number): number {
  return Math.ceil((byteLength * 8) / 5);
}

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * Parses base64 in the form that Nix writes: standard alphabet, padded, without
 * line breaks, unused bits zero. Nix also reads other forms. If they were
 * accepted, one value would have many texts, and two narinfos with equal
 * contents would differ.
 */
export function parseBase64(text: string): Result<Uint8Array<ArrayBuffer>> {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
    return err("it is not padded base64");
  const binary = atob(text);
  if (btoa(binary) !== text) return err("the last base64 digit has unused bits that are not zero");
  return ok(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}
