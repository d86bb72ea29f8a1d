import { AwsV4Signer } from "aws4fetch";
import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { formatAmzDate } from "../../http/s3-url.ts";

export interface RequestToSign {
  readonly method: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
  /** Whether the signature becomes part of the URL, so that a client can use it without the key. */
  readonly signQuery?: boolean;
  /** Whether the signature also covers Content-Type and Content-Length, which aws4fetch leaves out. */
  readonly allHeaders?: boolean;
}

export type S3Signer = (
  request: RequestToSign,
) => Promise<{ readonly url: URL; readonly headers: Headers }>;

/** Returns a function that signs requests to one bucket with SigV4, at the time of `now`. */
export function createS3Signer(config: BucketLocation, now: () => Date): S3Signer {
  const signing = {
    accessKeyId: config.keyId,
    secretAccessKey: config.applicationKey,
    service: "s3",
    region: config.region,
    // aws4fetch keeps the signing key here. SigV4 derives a new one for each day.
    cache: new Map<string, ArrayBuffer>(),
  };
  return (request) =>
    new AwsV4Signer({ ...signing, ...request, datetime: formatAmzDate(now()) }).sign();
}
