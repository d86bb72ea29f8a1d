import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "vitest";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import type { Capability } from "../../tools/b2-server/application-key.ts";
import { type B2Server, startB2Server } from "../../tools/b2-server/b2-server.ts";
import type { BucketStore } from "../../tools/b2-server/store/bucket-store.ts";
import { type BucketView, createBucketView } from "./bucket-view.ts";

const BUCKET = "ai-dev-env";
const REGION = "us-east-005";
export const PREFIX = "nix/cache/";
export const SECRET = "K005-a-secret-that-nobody-prints";

const KEYS: Readonly<Record<string, readonly Capability[]>> = {
  owner: ["listFiles", "readFiles", "writeFiles", "deleteFiles"],
  unlisted: ["readFiles", "writeFiles"],
  reader: ["listFiles", "readFiles"],
};

/** As docs/bucket.md asks for. */
export const LIFECYCLE = `<LifecycleConfiguration><Rule><ID>cache</ID><Filter><Prefix>nix/cache/</Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>`;

/** A bucket with an object of the cache, and one beside it. */
export interface CanaryBucketServer {
  readonly server: B2Server;
  readonly view: BucketView;
  readonly store: BucketStore;
  configOf(keyId: string): BucketLocation;
  expectNothingLeft(): void;
  close(): Promise<void>;
}

export async function startCanaryBucket(): Promise<CanaryBucketServer> {
  const directory = await mkdtemp(path.join(tmpdir(), "canary-test-"));
  const server = await startB2Server({
    directory,
    region: REGION,
    buckets: [BUCKET],
    keys: Object.entries(KEYS).map(([keyId, capabilities]) => ({
      keyId,
      secret: SECRET,
      capabilities: new Set(capabilities),
    })),
    durable: false,
  });
  const view = createBucketView(server, BUCKET, PREFIX);
  const store = server.store.bucket(BUCKET);
  if (store === undefined) throw new Error("no bucket");
  await view.write("nix-cache-info", Buffer.from("StoreDir: /nix/store\n"));
  await view.writeOutside("beside/x", Buffer.from("x"));
  const before = view.versions();
  return {
    server,
    view,
    store,
    configOf: (keyId) => ({
      endpoint: server.endpoint,
      region: REGION,
      bucket: BUCKET,
      prefix: PREFIX,
      keyId,
      applicationKey: SECRET,
    }),
    expectNothingLeft() {
      expect(view.versions()).toEqual(before);
      expect(store.uploads.list()).toEqual([]);
    },
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
