import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import { startB2Server } from "../b2-server/b2-server.ts";

export interface EmbeddedBucket {
  readonly config: BucketLocation;
  close(): Promise<void>;
}

/**
 * Starts the b2-server with an empty bucket. Its application key has the
 * capabilities and the prefix that docs/bucket.md asks for.
 */
export async function startEmbeddedBucket(): Promise<EmbeddedBucket> {
  const directory = await mkdtemp(path.join(tmpdir(), "nargate-canary-"));
  const removeDirectory = () => rm(directory, { recursive: true, force: true });
  const config = {
    region: "local",
    bucket: "nargate",
    prefix: "nix/cache/",
    keyId: "canary",
    applicationKey: randomBytes(24).toString("hex"),
  };
  try {
    const server = await startB2Server({
      directory,
      region: config.region,
      buckets: [config.bucket],
      keys: [
        {
          keyId: config.keyId,
          secret: config.applicationKey,
          capabilities: new Set(["listFiles", "readFiles", "writeFiles"] as const),
          namePrefix: config.prefix,
        },
      ],
      durable: false,
    });
    return {
      config: { ...config, endpoint: server.endpoint },
      async close() {
        await server.close();
        await removeDirectory();
      },
    };
  } catch (error) {
    await removeDirectory();
    throw error;
  }
}
