import { AwsV4Signer } from "aws4fetch";
import { formatAmzDate, formatS3Url } from "../../http/s3-url.ts";
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
  return async ({ key, query }, now) => {
    const { url, headers } = await new AwsV4Signer({
      ...signing,
      method: "GET",
      url: formatS3Url(location, key, query),
      datetime: formatAmzDate(now),
    }).sign();
    return { url: url.href, headers: Object.fromEntries(headers) };
  };
}
