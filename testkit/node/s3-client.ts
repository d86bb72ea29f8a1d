import { AwsV4Signer } from "aws4fetch";
import type { FakeB2, FakeB2Credentials } from "./fake-b2.ts";

export interface S3Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text of the answer's <Code>, or of the first element of that name. */
  element(name: string): string | undefined;
  elements(name: string): readonly string[];
}

interface S3Init {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

export interface S3Client {
  /** An empty key is the bucket itself. */
  send(method: string, key: string, init?: S3Init): Promise<S3Reply>;
  /** The same request, signed and not sent. */
  sign(method: string, key: string, init?: S3Init): Promise<{ url: URL; headers: Headers }>;
}

/** A client whose signatures are aws4fetch's, so the server does not check its own. */
export function createS3Client(
  fake: Pick<FakeB2, "endpoint" | "region" | "bucket">,
  credentials: FakeB2Credentials,
  bucket: string = fake.bucket,
): S3Client {
  const sign: S3Client["sign"] = async (method, key, { query = "", headers = {} } = {}) => {
    const path = key.split("/").map(encodeURIComponent).join("/");
    const signer = new AwsV4Signer({
      method,
      url: `${fake.endpoint}/${bucket}/${path}${query}`,
      headers,
      accessKeyId: credentials.keyId,
      secretAccessKey: credentials.secret,
      service: "s3",
      region: fake.region,
    });
    const signed = await signer.sign();
    return { url: signed.url, headers: signed.headers };
  };
  return {
    sign,
    async send(method, key, init = {}) {
      const { url, headers } = await sign(method, key, init);
      const request: RequestInit = { method, headers };
      if (init.body !== undefined) request.body = init.body;
      return readReply(await fetch(url, request));
    },
  };
}

async function readReply(response: Response): Promise<S3Reply> {
  const text = await response.text();
  const elements = (name: string): readonly string[] =>
    [...text.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, "g"))].map(
      (match) => match[1] ?? "",
    );
  return {
    status: response.status,
    headers: response.headers,
    text,
    elements,
    element: (name) => elements(name)[0],
  };
}
