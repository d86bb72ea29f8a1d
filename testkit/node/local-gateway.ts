import type { Plugin } from "esbuild";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../../src/nix/signature.ts";
import type { FaultInjector } from "../../tools/b2-server/fault-injector.ts";
import { runWorker } from "../../tools/start/run-worker.ts";
import { type BucketView, createBucketView } from "./bucket-view.ts";
import { startFakeB2 } from "./fake-b2.ts";
import { findFreePort } from "./find-free-port.ts";

export { findFreePort } from "./find-free-port.ts";

/** The real worker in workerd, in front of a bucket of its own. */
export interface LocalGateway {
  /** As in `http://127.0.0.1:49152`. */
  readonly url: string;
  /** Of the gateway's SIGNING_KEY, for trusted-public-keys. */
  readonly publicKey: string;
  readonly bucket: BucketView;
  /** The B2_* settings of the gateway, for a command that reads the bucket itself. */
  readonly bucketSettings: Readonly<Record<string, string>>;
  /** What goes wrong in the bucket. */
  readonly faults: FaultInjector;
  /** For the machines of its clients; removed with it. */
  readonly directory: string;
  stop(): Promise<void>;
}

/** What the gateways of the tests know, by scope. */
export const PUSH_TOKEN = "push-token-of-the-tests";
export const READ_TOKEN = "read-token-of-the-tests";
export const ADMIN_TOKEN = "admin-token-of-the-tests";

export const TOKENS = JSON.stringify([
  { name: "ci", sha256: sha256(PUSH_TOKEN), scopes: ["push"] },
  { name: "operator", sha256: sha256(ADMIN_TOKEN), scopes: ["admin"] },
  { name: "reader", sha256: sha256(READ_TOKEN), scopes: ["read"] },
]);

export const PREFIX = "nix/cache/";

/**
 * Starts a gateway that signs what is pushed and caches with the Cache API.
 * `settings` are added to the bucket's and may change any; `changes`, see `runWorker`.
 */
export async function startLocalGateway(
  settings: Readonly<Record<string, string>> = {},
  changes: readonly Plugin[] = [],
): Promise<LocalGateway> {
  const b2 = await startFakeB2();
  const directory = await mkdtemp(path.join(tmpdir(), "nargate-clients-"));
  const signingKey = await generateSecretKey("gateway-1");
  const bucketSettings = {
    B2_ENDPOINT: b2.endpoint,
    B2_REGION: b2.region,
    B2_BUCKET: b2.bucket,
    B2_PREFIX: PREFIX,
    B2_KEY_ID: b2.keyId,
    B2_APPLICATION_KEY: b2.secret,
  };
  const worker = await runWorker(
    {
      ...bucketSettings,
      EDGE: "cache-api",
      LOG: "faults",
      SIGNING_KEY: signingKey,
      TOKENS,
      ...settings,
    },
    await findFreePort(),
    undefined,
    changes,
  );
  return {
    url: worker.url,
    publicKey: publicKeyOfSecret(signingKey),
    bucketSettings,
    bucket: createBucketView(b2.server, b2.bucket, PREFIX),
    faults: b2.server.faults,
    directory,
    async stop() {
      await worker.close();
      await b2.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Has the gateway find out that its bucket does not prove bytes, so that large NARs go in parts. */
export async function stopProving({ url, faults }: LocalGateway): Promise<void> {
  faults.add({ effect: { ignoreSha256: true } });
  const response = await fetch(`${url}/api/v1/uploads/proof`, {
    method: "POST",
    headers: { authorization: `Bearer ${PUSH_TOKEN}` },
  });
  const answer = await response.text();
  faults.clear();
  if (!answer.includes('"gateway"')) throw new Error(`the bucket still proves bytes: ${answer}`);
}

export function publicKeyOfSecret(text: string): string {
  const key = parseSecretKey(text);
  if (!key.ok) throw new Error(key.error);
  return formatPublicKey(publicKeyOf(key.value));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
