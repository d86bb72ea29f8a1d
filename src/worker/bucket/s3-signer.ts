import { AwsV4Signer } from "aws4fetch";
import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { formatAmzDate } from "./s3-url.ts";

export interface RequestToSign {
  readonly method: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
  /** Whether the signature becomes part of the URL, for whoever may use it. */
  readonly signQuery?: boolean;
}

export type S3Signer = (
  request: RequestToSign,
) => Promise<{ readonly url: URL; readonly headers: Headers }>;

/** Signs requests to one bucket by SigV4, as of now. */
export function createS3Signer(config: BucketLocation, now: () => Date): S3Signer {
  const signing = {
    accessKeyId: config.keyId,
    secretAccessKey: config.applicationKey,
    service: "s3",
    region: config.region,
    // The key of a day is derived once.
    cache: new Map<string, ArrayBuffer>(),
  };
  return (request) =>
    new AwsV4Signer({ ...signing, ...request, datetime: formatAmzDate(now()) }).sign();
}
