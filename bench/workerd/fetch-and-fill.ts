import type { AwsClient } from "aws4fetch";
import { type BucketSettings, createClient, objectUrl, UNSIGNED } from "./bucket-settings.ts";

let aws: AwsClient | undefined;

/**
 * The smallest worker that signs a GET for the bucket, passes the answer on, and stores
 * a copy in the Cache API meanwhile. It does not look into the cache, supports no
 * ranges, and does not check that the stored copy is complete.
 */
export default {
  async fetch(request, env, context) {
    aws ??= createClient(env);
    const url = objectUrl(env, request);
    const signed = await aws.sign(url, { headers: UNSIGNED });
    const response = await fetch(url, { headers: signed.headers });
    const headers = new Headers({
      "content-length": response.headers.get("content-length") ?? "",
      "cache-control": "public, max-age=31536000",
    });
    const [forClient, forCache] = response.body?.tee() ?? [null, null];
    context.waitUntil(caches.default.put(request.url, new Response(forCache, { headers })));
    return new Response(forClient, { headers });
  },
} satisfies ExportedHandler<BucketSettings>;
