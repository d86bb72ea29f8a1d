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

export type GetSigner = (request: BucketGet, now: Date) => Promise<SignedGet>;

/**
 * Returns a function that signs GETs with the application key. A signature is valid for
 * 15 minutes.
 *
 * Only the signer of aws4fetch is used: its client follows redirects, and would send
 * the signature to another host.
 */
export function createGetSigner(location: BucketLocation): GetSigner {
  const signing = {
    accessKeyId: location.keyId,
    secretAccessKey: location.applicationKey,
    service: "s3",
    region: location.region,
    // aws4fetch keeps the signing key here. SigV4 derives a new one for each day.
    cache: new Map<string, ArrayBuffer>(),
  };
  return async ({ key, query = {} }, now) => {
    const path = key === "" ? "" : `/${key.split("/").map(encode).join("/")}`;
    const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
    const search = pairs.length === 0 ? "" : `?${pairs.join("&")}`;
    const { url, headers } = await new AwsV4Signer({
      ...signing,
      method: "GET",
      url: `${location.endpoint}/${location.bucket}${path}${search}`,
      datetime: now.toISOString().replace(/[:-]|\.\d{3}/g, ""),
    }).sign();
    return { url: url.href, headers: Object.fromEntries(headers) };
  };
}

/** aws4fetch reads a "+" in a path as a space, so it is encoded too. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
