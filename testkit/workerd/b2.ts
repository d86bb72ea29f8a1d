import { inject } from "vitest";
import { createB2Bucket } from "../../src/worker/bucket/b2-bucket.ts";
import { createBucketSightings } from "../../src/worker/bucket/bucket-sightings.ts";
import {
  type Bucket,
  type BucketMeter,
  createBucketMeter,
} from "../../src/worker/bucket/bucket.ts";
import {
  createS3Client,
  type S3Client,
  type S3Request,
} from "../../src/worker/bucket/s3-client.ts";
import type { CopyLimits } from "../../src/worker/bucket/s3-copy.ts";
import { createS3Presigner } from "../../src/worker/bucket/s3-presign.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import { type ObjectKey, type ObjectPath, parseObjectKey } from "../../src/nix/object-key.ts";
import { createFakeB2Client, type FakeBucket } from "../fake-b2-client.ts";

export const B2_PREFIX = "nix/cache/";

/** The B2 adapter in front of a bucket of its own in the fake B2; pauses between attempts take no time. */
export interface TestB2 {
  readonly config: BucketLocation;
  readonly bucket: Bucket;
  readonly send: S3Client;
  readonly meter: BucketMeter;
  /** What was asked of the S3 client, each once, however often it was tried. */
  readonly sent: readonly S3Request[];
  readonly fake: FakeBucket;
}

export interface TestB2Options {
  /** With the application key that lacks listFiles. */
  readonly unlisted?: boolean;
  readonly config?: Partial<BucketLocation>;
  /** How far the gateway's clock is ahead. */
  readonly clockAheadMilliseconds?: number;
  readonly copyLimits?: CopyLimits;
  /** Whether no request has shown yet that the bucket exists. */
  readonly isUnseen?: boolean;
}

export async function openB2(options: TestB2Options = {}): Promise<TestB2> {
  const access = inject("fakeB2");
  const fake = await createFakeB2Client(access.controlUrl).createBucket();
  const { keyId, secret } = options.unlisted === true ? access.unlisted : access;
  const config: BucketLocation = {
    endpoint: access.endpoint,
    region: access.region,
    bucket: fake.name,
    prefix: B2_PREFIX,
    keyId,
    applicationKey: secret,
    ...options.config,
  };
  const now = () => new Date(Date.now() + (options.clockAheadMilliseconds ?? 0));
  const sent: S3Request[] = [];
  const client = createS3Client(config, {
    fetch: (url, init) => fetch(url, init),
    now,
    sleep: async () => {},
    random: () => 0,
  });
  const send: S3Client = async (request, meter) => {
    sent.push(request);
    return await client(request, meter);
  };
  const meter = createBucketMeter();
  const presign = createS3Presigner(config, now);
  const { copyLimits, isUnseen = false } = options;
  const sightings = createBucketSightings(now);
  if (!isUnseen) sightings.note();
  const bucket = createB2Bucket(
    config,
    { send, presign, sightings, ...(copyLimits === undefined ? {} : { copyLimits }) },
    meter,
  );
  return { config, bucket, send, meter, sent, fake };
}

/** The key of a path that a test takes for valid. */
export function keyOf<K extends ObjectKey["kind"]>(
  kind: K,
  path: string,
): Extract<ObjectKey, { kind: K }> {
  const key = parseObjectKey(`/${path}`);
  if (!key.ok || key.value.kind !== kind) throw new Error(`${path} is no key of a ${kind}`);
  return key.value as Extract<ObjectKey, { kind: K }>;
}

export function pathOf(path: string): ObjectPath {
  const key = parseObjectKey(`/${path}`);
  if (!key.ok) throw new Error(`${path} is no key: ${key.error}`);
  return key.value.path;
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}
