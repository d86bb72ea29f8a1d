/** The place of a bucket. `endpoint` has no final slash. */
interface BucketPlace {
  readonly endpoint: string;
  readonly bucket: string;
}

type Query = Readonly<Record<string, string>>;

/**
 * Returns the URL of an object, or the URL of the bucket itself for an empty
 * `key`. `key` is not encoded, and includes the prefix.
 */
export function formatS3Url(config: BucketPlace, key: string, query: Query = {}): string {
  const path = key === "" ? "" : `/${encodeKey(key)}`;
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`,
  );
  const search = pairs.length === 0 ? "" : `?${pairs.join("&")}`;
  return `${config.endpoint}/${config.bucket}${path}${search}`;
}

/**
 * Returns `key` with every character encoded that S3 encodes for the signature.
 * In particular "+": when aws4fetch signs, it reads a "+" in a path as a space,
 * and log/ keys contain "+".
 */
export function encodeKey(key: string): string {
  return key.split("/").map(encodeRfc3986).join("/");
}

/** Returns the time in the format of SigV4: 20261001T120000Z. */
export function formatAmzDate(time: Date): string {
  return time.toISOString().replace(/[:-]|\.\d{3}/g, "");
}

function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
