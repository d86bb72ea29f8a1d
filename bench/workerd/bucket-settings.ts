import { AwsClient } from "aws4fetch";

/** The settings that a worker needs to use the bucket, with the names of the gateway's settings. */
export type BucketSettings = Readonly<
  Record<
    "B2_ENDPOINT" | "B2_REGION" | "B2_BUCKET" | "B2_PREFIX" | "B2_KEY_ID" | "B2_APPLICATION_KEY",
    string
  >
>;

/** Creates the client that signs requests to the bucket. */
export function createClient(env: BucketSettings): AwsClient {
  return new AwsClient({
    accessKeyId: env.B2_KEY_ID,
    secretAccessKey: env.B2_APPLICATION_KEY,
    service: "s3",
    region: env.B2_REGION,
  });
}

/** Returns the URL in the bucket of the object that a client requests. */
export function objectUrl(env: BucketSettings, request: Request): string {
  const path = new URL(request.url).pathname.slice(1);
  return `${env.B2_ENDPOINT}/${env.B2_BUCKET}/${env.B2_PREFIX}${path}`;
}

/** Header of a request whose signature does not cover its body. The gateway sends it too. */
export const UNSIGNED = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } as const;
