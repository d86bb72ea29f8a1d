import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { createS3Signer } from "./s3-signer.ts";
import { formatS3Url } from "../../http/s3-url.ts";

/** One part of one upload to one key. The gateway signs no other request for clients. */
export interface PartToSign {
  /** The key, not encoded, with the prefix. */
  readonly key: string;
  readonly uploadId: string;
  readonly partNumber: number;
  /** How long the URL is valid, in seconds. */
  readonly seconds: number;
}

export type S3Presigner = (part: PartToSign) => Promise<string>;

/**
 * Returns a function that makes URLs. With such a URL, a client without a
 * credential can PUT one part, and nothing else. The signature covers the method,
 * the key, the part number and the upload id. It does not cover the bytes: the
 * gateway proves them after the upload.
 */
export function createS3Presigner(config: BucketLocation, now: () => Date): S3Presigner {
  const sign = createS3Signer(config, now);
  return async function presign({ key, uploadId, partNumber, seconds }) {
    const url = formatS3Url(config, key, {
      partNumber: String(partNumber),
      uploadId,
      "X-Amz-Expires": String(seconds),
    });
    const signed = await sign({ method: "PUT", url, signQuery: true });
    return signed.url.href;
  };
}
