import { createHmac } from "node:crypto";

/** Derives the key that signs one day's requests. */
export type DeriveSigningKey = (secret: string, date: string, region: string) => Buffer;

// One key a day and credential; the bound is for a hostile sequence of dates.
const MAX_CACHED_KEYS = 64;

/** A derivation that remembers: four HMACs a request would halve the throughput. */
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
