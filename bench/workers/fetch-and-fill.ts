import { AwsClient } from "aws4fetch";

/**
 * The smallest worker that signs a GET for the bucket, passes the answer on and
 * stores a copy in the Cache API as it goes by: without a look-up, a range, or a
 * check that what it stored is whole.
 */
type Settings = Readonly<
  Record<"B2_ENDPOINT" | "B2_REGION" | "B2_BUCKET" | "B2_KEY_ID" | "B2_APPLICATION_KEY", string>
>;

let aws: AwsClient | undefined;

export default {
  async fetch(request, env, context) {
    aws ??= new AwsClient({
      accessKeyId: env.B2_KEY_ID,
      secretAccessKey: env.B2_APPLICATION_KEY,
      service: "s3",
      region: env.B2_REGION,
    });
    const url = `${env.B2_ENDPOINT}/${env.B2_BUCKET}/nix/cache${new URL(request.url).pathname}`;
    const signed = await aws.sign(url, {
      headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    });
    const response = await fetch(url, { headers: signed.headers });
    const headers = new Headers({
      "content-length": response.headers.get("content-length") ?? "",
      "cache-control": "public, max-age=31536000",
    });
    const [forClient, forCache] = response.body?.tee() ?? [null, null];
    context.waitUntil(caches.default.put(request.url, new Response(forCache, { headers })));
    return new Response(forClient, { headers });
  },
} satisfies ExportedHandler<Settings>;
