import { AwsClient } from "aws4fetch";

/** The smallest worker that signs a GET for the bucket, fetches it and passes it on. */
type Settings = Readonly<
  Record<"B2_ENDPOINT" | "B2_REGION" | "B2_BUCKET" | "B2_KEY_ID" | "B2_APPLICATION_KEY", string>
>;

let aws: AwsClient | undefined;

export default {
  async fetch(request, env) {
    aws ??= new AwsClient({
      accessKeyId: env.B2_KEY_ID,
      secretAccessKey: env.B2_APPLICATION_KEY,
      service: "s3",
      region: env.B2_REGION,
    });
    const { pathname } = new URL(request.url);
    const url = `${env.B2_ENDPOINT}/${env.B2_BUCKET}/nix/cache${pathname}`;
    const signed = await aws.sign(url, {
      headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    });
    return await fetch(url, { headers: signed.headers });
  },
} satisfies ExportedHandler<Settings>;
