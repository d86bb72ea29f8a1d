import { AwsV4Signer } from "aws4fetch";
import { describe, expect, it } from "vitest";
import { createS3Signer, type RequestToSign } from "../../../src/worker/bucket/s3-signer.ts";

const CONFIG = {
  endpoint: "https://s3.us-east-005.backblazeb2.com",
  region: "us-east-005",
  bucket: "bucket",
  prefix: "nix/cache/",
  keyId: "key-id",
  applicationKey: "application-key",
};
const URL_OF_KEY = `${CONFIG.endpoint}/bucket/nix/cache/a%2Bb.narinfo`;
const PAYLOAD = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };

/** What aws4fetch gives with its own hashes. */
async function signWithAws4fetch(request: RequestToSign, datetime: string) {
  const { keyId: accessKeyId, applicationKey: secretAccessKey, region } = CONFIG;
  const signer = { accessKeyId, secretAccessKey, region, service: "s3", datetime };
  return await new AwsV4Signer({ ...signer, ...request }).sign();
}

describe("createS3Signer", () => {
  it.each<{ what: string; request: RequestToSign }>([
    { what: "a GET", request: { method: "GET", url: URL_OF_KEY, headers: PAYLOAD } },
    {
      what: "a PUT with the hash of its body",
      request: {
        method: "PUT",
        url: URL_OF_KEY,
        headers: { "x-amz-content-sha256": "00".repeat(32), "content-type": "text/plain" },
      },
    },
    {
      what: "a listing",
      request: {
        method: "GET",
        url: `${CONFIG.endpoint}/bucket?list-type=2&prefix=nix%2Fcache%2F&max-keys=1`,
        headers: PAYLOAD,
      },
    },
    {
      what: "a URL for a part",
      request: {
        method: "PUT",
        url: `${URL_OF_KEY}?partNumber=2&uploadId=u&X-Amz-Expires=3600`,
        signQuery: true,
      },
    },
  ])("signs $what as aws4fetch does, on two days", async ({ request }) => {
    let now = new Date("2026-11-27T23:59:59Z");
    const sign = createS3Signer(CONFIG, () => now);
    for (const datetime of ["20261127T235959Z", "20261128T000000Z"]) {
      const signed = await sign(request);
      const expected = await signWithAws4fetch(request, datetime);
      expect(signed.url.href).toBe(expected.url.href);
      expect([...signed.headers]).toEqual([...expected.headers]);
      now = new Date("2026-11-28T00:00:00Z");
    }
  });
});
