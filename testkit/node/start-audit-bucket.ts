import { onTestFinished } from "vitest";
import type { BucketReader } from "../../src/client/bucket/bucket-reader.ts";
import { openBucket } from "../../src/client/bucket/open-bucket.ts";
import type { ProcessContext } from "../../src/client/process-context.ts";
import { type BucketView, createBucketView } from "./bucket-view.ts";
import { type FakeB2, startFakeB2 } from "./fake-b2.ts";
import type { SamplePath } from "./sample-path.ts";
import { createTestContext } from "./test-context.ts";

/** A bucket for one test, with the settings by which a command finds it. */
export interface AuditTestBucket {
  readonly b2: FakeB2;
  readonly view: BucketView;
  readonly env: Readonly<Record<string, string>>;
  /** Writes the narinfo and the NAR of each path. */
  add(...paths: readonly SamplePath[]): Promise<void>;
  open(overrides?: Partial<ProcessContext>): BucketReader;
  /** The clock of the bucket. A command that signs requests must have the same. */
  readonly now: () => Date;
  /** Makes everything older. */
  passDays(days: number): void;
  /** Begins an upload, and never ends it. */
  beginUpload(path: string): Promise<void>;
}

const PREFIX = "nix/cache/";

export async function startAuditBucket(): Promise<AuditTestBucket> {
  let aheadMilliseconds = 0;
  const now = () => new Date(Date.now() + aheadMilliseconds);
  const b2 = await startFakeB2(now);
  onTestFinished(() => b2.close());
  const view = createBucketView(b2.server, b2.bucket, PREFIX);
  const env = bucketEnv(b2.endpoint, { keyId: b2.keyId, secret: b2.secret });
  return {
    b2,
    view,
    env,
    async add(...paths) {
      for (const { hash, narinfo, narUrl, nar } of paths) {
        await view.write(narUrl, nar);
        await view.write(`${hash}.narinfo`, Buffer.from(narinfo));
      }
    },
    open: (overrides = {}) => openBucket(createTestContext({ fetch, env, now, ...overrides })),
    now,
    passDays: (days) => void (aheadMilliseconds += days * 24 * 3_600_000),
    async beginUpload(path) {
      await b2.server.store.bucket(b2.bucket)?.uploads.create(PREFIX + path, {}, now());
    },
  };
}

/** Returns the settings of a bucket at an endpoint. */
export function bucketEnv(
  endpoint: string,
  key = { keyId: "key-id", secret: "the-secret" },
): Readonly<Record<string, string>> {
  return {
    B2_ENDPOINT: endpoint,
    B2_REGION: "us-east-005",
    B2_BUCKET: "ai-dev-env",
    B2_PREFIX: PREFIX,
    B2_KEY_ID: key.keyId,
    B2_APPLICATION_KEY: key.secret,
  };
}
