import type { StorePathHash } from "../../nix/store-path.ts";

declare const brand: unique symbol;

/** The first 12 digits of a store path's hash: 60 bits, which are as random as the whole hash. */
export type HashPrefix = string & { readonly [brand]: "HashPrefix" };

export function prefixOf(hash: StorePathHash): HashPrefix {
  return hash.slice(0, 12) as HashPrefix;
}

/** Whether the text is a `HashPrefix`. */
export function isHashPrefix(text: string): text is HashPrefix {
  return /^[0-9a-df-np-sv-z]{12}$/.test(text);
}

/**
 * A set of hashes that never denies a hash it was given, and takes 12 bits for each: a
 * Bloom filter (Bloom 1970). Filled to its capacity, it takes another hash for one of its
 * own in 0.31 % of all cases: (1 − e^(−8/12))^8.
 *
 * The seed is random and stays in the bucket. A pusher chooses hashes as it likes, and
 * without the seed cannot choose hashes that all fall on the same bits, or that avoid them.
 */
export interface HashFilter {
  readonly capacity: number;
  /** 32 bits. */
  readonly seed: number;
  readonly bits: Uint8Array<ArrayBuffer>;
}

const BITS_PER_HASH = 12;
const PROBES = 8;

export function createHashFilter(capacity: number, seed: number): HashFilter {
  return { capacity, seed, bits: new Uint8Array(sizeOfHashFilter(capacity)) };
}

/** Returns the bytes of a filter. A capacity is a multiple of 8, so that no bit is left over. */
export function sizeOfHashFilter(capacity: number): number {
  return (capacity * BITS_PER_HASH) / 8;
}

export function addHash({ bits, seed }: HashFilter, prefix: HashPrefix): void {
  const { first, step } = probesOf(prefix, seed);
  const size = bits.length * 8;
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = (first + probe * step) % size;
    bits[bit >>> 3] = (bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
  }
}

/** Returns `false` only for a hash that was never added. */
export function mayHaveHash({ bits, seed }: HashFilter, prefix: HashPrefix): boolean {
  const { first, step } = probesOf(prefix, seed);
  const size = bits.length * 8;
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = (first + probe * step) % size;
    if (((bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

/** Double hashing (Kirsch and Mitzenmacher 2006): two hashes do the work of eight. */
function probesOf(prefix: HashPrefix, seed: number) {
  const high = digitsOf(prefix, 0);
  const low = digitsOf(prefix, 6);
  const first = mix(high ^ mix(low ^ seed));
  // Odd, so that it is never zero, which would make one probe of all eight.
  const step = (mix(low ^ mix(high + seed)) | 1) >>> 0;
  return { first, step };
}

/** Returns six nix32 digits as a number of 30 bits. */
function digitsOf(prefix: HashPrefix, from: number): number {
  let value = 0;
  for (let index = from; index < from + 6; index++) {
    value = (value << 5) | (DIGITS[prefix.charCodeAt(index) & 127] ?? 0);
  }
  return value;
}

const DIGITS = new Uint8Array(128);
for (const [value, digit] of [..."0123456789abcdfghijklmnpqrsvwxyz"].entries()) {
  DIGITS[digit.charCodeAt(0)] = value;
}

/** The finalizer of MurmurHash3: each bit of the input changes half of the bits. */
function mix(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
