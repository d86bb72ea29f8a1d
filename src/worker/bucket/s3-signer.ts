import { createHash, createHmac } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { formatAmzDate } from "../../http/s3-url.ts";

export interface RequestToSign {
  readonly method: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
  /** Whether the signature becomes part of the URL, so that a client can use it without the key. */
  readonly signQuery?: boolean;
  /** Whether the signature also covers Content-Type and Content-Length, which aws4fetch leaves out. */
  readonly allHeaders?: boolean;
}

export type S3Signer = (
  request: RequestToSign,
) => Promise<{ readonly url: URL; readonly headers: Headers }>;

/**
 * Returns a function that signs requests to one bucket with SigV4, at the time of `now`.
 * It is for the requests of clients; `s3-header-signer.ts` signs those of the gateway.
 */
export function createS3Signer(config: BucketLocation, now: () => Date): S3Signer {
  const keyOf = createSigningKeys(config);
  const signing = {
    accessKeyId: config.keyId,
    secretAccessKey: config.applicationKey,
    service: "s3",
    region: config.region,
  };
  return (request) =>
    new SynchronousSigner({ ...signing, ...request, datetime: formatAmzDate(now()) }, keyOf).sign();
}

/**
 * The signer of aws4fetch, with the hashes of node:crypto. aws4fetch takes those of
 * Web Crypto, each of which is a promise and a key to import: 25 µs more for each
 * signature.
 */
class SynchronousSigner extends AwsV4Signer {
  readonly #keyOf: (day: string) => Buffer;

  constructor(
    request: ConstructorParameters<typeof AwsV4Signer>[0],
    keyOf: (day: string) => Buffer,
  ) {
    super(request);
    this.#keyOf = keyOf;
  }

  override async signature(): Promise<string> {
    const key = this.#keyOf(this.datetime.slice(0, 8));
    return createHmac("sha256", key)
      .update(await this.stringToSign())
      .digest("hex");
  }

  override async stringToSign(): Promise<string> {
    const hash = createHash("sha256").update(await this.canonicalString());
    return ["AWS4-HMAC-SHA256", this.datetime, this.credentialString, hash.digest("hex")].join(
      "\n",
    );
  }
}

/** Returns a function from a day (20261128) to SigV4's signing key of that day. */
export function createSigningKeys(config: BucketLocation): (day: string) => Buffer {
  return rememberLast((day: string) => deriveKey(config, day));
}

/** Returns SigV4's signing key of one day. */
function deriveKey({ applicationKey, region }: BucketLocation, day: string): Buffer {
  return [region, "s3", "aws4_request"].reduce(hmac, hmac(`AWS4${applicationKey}`, day));
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** Remembers the last value. SigV4 derives a new key for each day. */
function rememberLast<Value>(create: (key: string) => Value): (key: string) => Value {
  let last: { readonly key: string; readonly value: Value } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: create(key) };
    return last.value;
  };
}
