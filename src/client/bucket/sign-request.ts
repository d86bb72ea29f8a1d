import { AwsV4Signer } from "aws4fetch";
import type { BucketLocation } from "../../settings/bucket-settings.ts";

/** A GET of an object or, with an empty key, of the bucket itself. */
export interface BucketGet {
  /** The whole key, with the prefix and without percent-encoding. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
}

export interface SignedGet {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Signs a GET with the application key. The signature is valid for 15 minutes.
 *
 * Only the signer of aws4fetch is used: its client follows redirects, and would send
 * the signature to another host.
 */
export async function signGet(
  { endpoint, bucket, region, keyId, applicationKey }: BucketLocation,
  { key, query = {} }: BucketGet,
  now: Date,
): Promise<SignedGet> {
  const path = key === "" ? "" : `/${key.split("/").map(encode).join("/")}`;
  const search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const { url, headers } = await new AwsV4Signer({
    method: "GET",
    url: `${endpoint}/${bucket}${path}${search.length === 0 ? "" : `?${search.join("&")}`}`,
    accessKeyId: keyId,
    secretAccessKey: applicationKey,
    service: "s3",
    region,
    datetime: now.toISOString().replace(/[:-]|\.\d{3}/g, ""),
  }).sign();
  return { url: url.href, headers: Object.fromEntries(headers) };
}

/** aws4fetch reads a "+" in a path as a space, so it is encoded too. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
