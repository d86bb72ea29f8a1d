import { CONTENT_TYPES } from "../../http/response-headers.ts";
import { formatPayloadHeaders } from "../../http/payload-header.ts";
import type { BucketLocation } from "../../settings/bucket-settings.ts";
import type { NarToSign, SignedPut } from "./bucket.ts";
import { createS3Signer, type S3Signer } from "./s3-signer.ts";
import { formatS3Url } from "../../http/s3-url.ts";

/** One part of one upload to one key. */
export interface PartToSign {
  /** The key, not encoded, with the prefix. */
  readonly key: string;
  readonly uploadId: string;
  readonly partNumber: number;
  /** How long the URL is valid, in seconds. */
  readonly seconds: number;
}

/** Signs the two kinds of requests that clients may send to the bucket. The gateway signs no other. */
export interface S3Presigner {
  /**
   * Returns a URL with which a client without a credential can PUT one part, and nothing
   * else. The signature covers the method, the key, the part number and the upload id. It
   * does not cover the bytes: the gateway proves them after the upload.
   */
  part(part: PartToSign): Promise<string>;
  /**
   * Returns the URL and the headers of a PUT of one NAR. The signature stands in a header,
   * because S3 ignores a checksum in the query. It covers the bytes, their number and
   * their type. `key` is not encoded, and includes the prefix.
   */
  nar(key: string, nar: NarToSign): Promise<SignedPut>;
}

export function createS3Presigner(config: BucketLocation, now: () => Date): S3Presigner {
  const sign = createS3Signer(config, now);
  return {
    async part({ key, uploadId, partNumber, seconds }) {
      const url = formatS3Url(config, key, {
        partNumber: String(partNumber),
        uploadId,
        "X-Amz-Expires": String(seconds),
      });
      const signed = await sign({ method: "PUT", url, signQuery: true });
      return signed.url.href;
    },
    nar: (key, nar) => signNarPut(formatS3Url(config, key), nar, sign),
  };
}

/** Signs a PUT of a NAR to `url`, with all the headers that it has. */
export async function signNarPut(
  url: string,
  { sha256, sizeBytes, header }: NarToSign,
  sign: S3Signer,
): Promise<SignedPut> {
  const signed = await sign({
    method: "PUT",
    url,
    headers: {
      "content-type": CONTENT_TYPES.nar,
      "content-length": String(sizeBytes),
      ...formatPayloadHeaders(header, sha256),
    },
    allHeaders: true,
  });
  return { url, headers: Object.fromEntries(signed.headers) };
}
