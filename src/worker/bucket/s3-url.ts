import type { BucketLocation } from "../../settings/bucket-settings.ts";

type Query = Readonly<Record<string, string>>;

/** The URL of `key`, unencoded and with the prefix, or with an empty one of the bucket itself. */
export function formatS3Url(config: BucketLocation, key: string, query: Query = {}): string {
  const path = key === "" ? "" : `/${encodeKey(key)}`;
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`,
  );
  const search = pairs.length === 0 ? "" : `?${pairs.join("&")}`;
  return `${config.endpoint}/${config.bucket}${path}${search}`;
}

/**
 * Every character that S3 would encode is encoded here. aws4fetch takes a "+"
 * in a path for a space when it signs, and log/ keys do contain "+".
 */
export function encodeKey(key: string): string {
  return key.split("/").map(encodeRfc3986).join("/");
}

/** A time as SigV4 wants it: 20261001T120000Z. */
export function formatAmzDate(time: Date): string {
  return time.toISOString().replace(/[:-]|\.\d{3}/g, "");
}

function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
