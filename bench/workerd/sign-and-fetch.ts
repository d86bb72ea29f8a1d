import type { AwsClient } from "aws4fetch";
import { type BucketSettings, createClient, objectUrl, UNSIGNED } from "./bucket-settings.ts";

let aws: AwsClient | undefined;

/** The smallest worker that signs a GET for the bucket, fetches the object and passes it on. */
export default {
  async fetch(request, env) {
    aws ??= createClient(env);
    const url = objectUrl(env, request);
    const { headers } = await aws.sign(url, { headers: UNSIGNED });
    const range = request.headers.get("range");
    if (range !== null) headers.set("range", range);
    return await fetch(url, { headers });
  },
} satisfies ExportedHandler<BucketSettings>;
