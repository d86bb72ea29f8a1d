import { AwsClient } from "aws4fetch";
import { BUCKET } from "./bucket-calls.ts";

const aws = new AwsClient({
  accessKeyId: BUCKET.keyId,
  secretAccessKey: BUCKET.secret,
  service: "s3",
  region: BUCKET.region,
});

/** Returns the signed headers of a request that goes straight to the bucket. */
export async function signRequest(url: string, method = "GET"): Promise<Record<string, string>> {
  const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
  const signed = await aws.sign(url, { method, headers });
  return Object.fromEntries(signed.headers);
}

/** Returns the URL of a cache's object in the bucket. */
export function bucketUrl(endpoint: string, objectPath: string): string {
  return `${endpoint}/${BUCKET.name}/${BUCKET.prefix}${objectPath}`;
}
