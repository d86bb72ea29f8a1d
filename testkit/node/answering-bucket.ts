import type { BucketAnswer, BucketRequest } from "../../tools/canary/bucket-call.ts";
import { type CanaryBucket, openCanaryBucket } from "../../tools/canary/canary-bucket.ts";

/** Returns a bucket of the canary at another server, which gives the answers of `answer`. */
export function createAnsweringBucket(
  answer: (request: BucketRequest) => Partial<BucketAnswer>,
  endpoint = "https://s3.example.org",
): CanaryBucket {
  const config = {
    endpoint,
    region: "us-east-1",
    bucket: "nix",
    prefix: "nix/cache/",
    keyId: "key-id",
    applicationKey: "the-secret",
  };
  const environment = { signal: new AbortController().signal, sleep: async () => {} };
  return {
    ...openCanaryBucket(config, environment),
    send: async (request) => ({
      status: 200,
      headers: new Headers(),
      text: "",
      code: undefined,
      ...answer(request),
    }),
  };
}
