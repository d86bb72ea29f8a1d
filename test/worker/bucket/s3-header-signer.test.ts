import { AwsV4Signer } from "aws4fetch";
import { describe, expect, it } from "vitest";
import { formatS3Url } from "../../../src/http/s3-url.ts";
import {
  createS3HeaderSigner,
  type RequestToSend,
} from "../../../src/worker/bucket/s3-header-signer.ts";

const CONFIG = {
  endpoint: "https://s3.us-east-005.backblazeb2.com",
  region: "us-east-005",
  bucket: "bucket",
  prefix: "nix/cache/",
  keyId: "key-id",
  applicationKey: "application-key",
};
const PAYLOAD = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
const KEY = "nix/cache/log/a+b (c)'!*~é.drv";
const COPY = {
  ...PAYLOAD,
  "x-amz-copy-source": "/bucket/nix/cache/.incoming/a%2Bb",
  "x-amz-copy-source-if-match": '"etag"',
  "x-amz-copy-source-range": "bytes=0-1",
  "x-amz-metadata-directive": "REPLACE",
  "content-type": "application/x-nix-nar",
};

interface Row {
  readonly what: string;
  readonly method?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly endpoint?: string;
}

/** The headers that aws4fetch gives, by their names. */
async function signWithAws4fetch({ method, url, headers }: RequestToSend, datetime: string) {
  const { keyId: accessKeyId, applicationKey: secretAccessKey, region } = CONFIG;
  const signer = { accessKeyId, secretAccessKey, region, service: "s3", datetime };
  const signed = await new AwsV4Signer({ ...signer, method, url, headers }).sign();
  return Object.fromEntries(signed.headers);
}

describe("createS3HeaderSigner", () => {
  it.each<Row>([
    { what: "a GET" },
    { what: "a GET of a range", headers: { ...PAYLOAD, range: "bytes=0-1" } },
    { what: "a HEAD of a key that needs encoding", method: "HEAD", key: KEY },
    {
      what: "a PUT with the hash of its body",
      method: "PUT",
      headers: { "x-amz-content-sha256": "00".repeat(32), "content-type": "text/plain" },
    },
    {
      what: "a PUT with an encoding",
      method: "PUT",
      headers: { ...PAYLOAD, "content-type": "text/plain", "content-encoding": " br,  gzip" },
    },
    { what: "a copy", method: "PUT", headers: COPY },
    {
      what: "a listing",
      key: "",
      query: {
        "list-type": "2",
        prefix: "nix/cache/a+b",
        "max-keys": "1",
        "continuation-token": "a/b+c=",
        "start-after": "nix/cache/0",
      },
    },
    { what: "a list of uploads", key: "", query: { uploads: "", prefix: "p", "max-uploads": "9" } },
    {
      what: "a part",
      method: "PUT",
      query: { uploadId: "u/+=", partNumber: "2" },
    },
    { what: "a new upload", method: "POST", query: { uploads: "" } },
    { what: "a GET at a port", endpoint: "http://127.0.0.1:9000" },
    { what: "a GET at the port of the scheme", endpoint: "https://s3.Example.org:443" },
  ])(
    "signs $what as aws4fetch does, on two days",
    async ({ method = "GET", key = KEY, query, headers = PAYLOAD, endpoint = CONFIG.endpoint }) => {
      let now = new Date("2026-11-27T23:59:59Z");
      const config = { ...CONFIG, endpoint };
      const sign = createS3HeaderSigner(config, () => now);
      const request = { method, url: formatS3Url(config, key, query), headers };
      for (const datetime of ["20261127T235959Z", "20261128T000000Z"]) {
        const { authorization } = await signWithAws4fetch(request, datetime);
        const signed = { ...headers, "x-amz-date": datetime, authorization };
        expect(sign(request)).toEqual(signed);
        now = new Date("2026-11-28T00:00:00Z");
      }
    },
  );
});
