import type { AwsClient } from "aws4fetch";
import { type BucketSettings, createClient, objectUrl, UNSIGNED } from "./bucket-settings.ts";

let aws: AwsClient | undefined;

/**
 * The smallest worker that serves small objects with the Cache API: it looks in the
 * cache, signs a GET for the bucket, reads the answer, answers, and stores a copy. It
 * checks nothing.
 */
export default {
  async fetch(request, env, context) {
    const cached = await caches.default.match(request.url);
    if (cached !== undefined) return cached;
    aws ??= createClient(env);
    const url = objectUrl(env, request);
    const signed = await aws.sign(url, { headers: UNSIGNED });
    const response = await fetch(url, { headers: signed.headers });
    const { status } = response;
    const headers = { "cache-control": "public, max-age=3600" };
    const bytes = await response.arrayBuffer();
    context.waitUntil(caches.default.put(request.url, new Response(bytes, { status, headers })));
    return new Response(bytes, { status, headers });
  },
} satisfies ExportedHandler<BucketSettings>;
