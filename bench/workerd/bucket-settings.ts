import { AwsClient } from "aws4fetch";

/** With what a worker reaches the bucket, as the gateway's own settings name it. */
export type BucketSettings = Readonly<
  Record<
    "B2_ENDPOINT" | "B2_REGION" | "B2_BUCKET" | "B2_PREFIX" | "B2_KEY_ID" | "B2_APPLICATION_KEY",
    string
  >
>;

export function createClient(env: BucketSettings): AwsClient {
  return new AwsClient({
    accessKeyId: env.B2_KEY_ID,
    secretAccessKey: env.B2_APPLICATION_KEY,
    service: "s3",
    region: env.B2_REGION,
  });
}

/** Where the object lies that a client asks for. */
export function objectUrl(env: BucketSettings, request: Request): string {
  const path = new URL(request.url).pathname.slice(1);
  return `${env.B2_ENDPOINT}/${env.B2_BUCKET}/${env.B2_PREFIX}${path}`;
}

/** The bytes are not hashed for the signature, as the gateway's are not. */
export const UNSIGNED = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } as const;
