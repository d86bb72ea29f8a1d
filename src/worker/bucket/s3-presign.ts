import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { createS3Signer } from "./s3-signer.ts";
import { formatS3Url } from "./s3-url.ts";

/** One part of one upload of one key; nothing more is ever signed for others to use. */
export interface PartToSign {
  /** Unencoded, with the prefix. */
  readonly key: string;
  readonly uploadId: string;
  readonly partNumber: number;
  readonly seconds: number;
}

export type S3Presigner = (part: PartToSign) => Promise<string>;

/**
 * Makes URLs that let whoever has one PUT one part, without a credential. The
 * method, the key and both parameters are signed; the bytes are not, since they
 * are proved once they are there.
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
