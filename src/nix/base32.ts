import { err, ok, type Result } from "../result.ts";

/** Without e, o, u and t, so that no hash spells a word (base-nix-32.hh). */
const NIX32_ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz";

const DIGITS: ReadonlyMap<string, number> = new Map(
  [...NIX32_ALPHABET].map((character, digit) => [character, digit]),
);

/**
 * Nix's own base 32: five bits a digit, the least significant bits of the
 * first byte last, and no padding (libutil/base-nix-32.cc).
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

/** The bytes of which `text` is the one encoding: bits left over must be zero. */
export function parseNix32(text: string): Result<Uint8Array> {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  if (lengthOfEncoded(bytes.length) !== text.length)
    return err("nix32 text has an impossible length");
  for (let index = 0; index < text.length; index++) {
    const digit = DIGITS.get(text.charAt(text.length - 1 - index));
    if (digit === undefined) return err("nix32 text holds a character outside its alphabet");
    const bit = index * 5;
    const byte = bit >> 3;
    const pair = digit << (bit & 7);
    const carry = pair >> 8;
    // A typed array ignores writes past its end, and with them what was lost.
    if (carry !== 0 && byte + 1 >= bytes.length)
      return err("nix32 text does not end on a whole byte");
    bytes[byte] = (bytes[byte] ?? 0) | (pair & 0xff);
    if (carry !== 0) bytes[byte + 1] = carry;
  }
  return ok(bytes);
}

function lengthOfEncoded(byteLength: number): number {
  return Math.ceil((byteLength * 8) / 5);
}
