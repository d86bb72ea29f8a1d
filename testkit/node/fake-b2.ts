import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startB2Server, type B2Server } from "../../tools/b2-server/b2-server.ts";

/** Everything an S3 client needs to reach the fake. */
export interface FakeB2Credentials {
  readonly keyId: string;
  readonly secret: string;
}

export interface FakeB2 extends FakeB2Credentials {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** May read and write but not list: what is missing it is denied. */
  readonly unlisted: FakeB2Credentials;
  readonly server: B2Server;
  close(): Promise<void>;
}

const REGION = "us-east-005";
const BUCKET = "ai-dev-env";

/** Starts B2's stand-in on loopback, with an empty bucket, in a directory of its own. */
export async function startFakeB2(now: () => Date = () => new Date()): Promise<FakeB2> {
  const directory = await mkdtemp(path.join(tmpdir(), "fake-b2-"));
  const full = { keyId: "0051a2b3c4d5e6f0000000001", secret: "K005fake/full+secret" };
  const unlisted = { keyId: "0051a2b3c4d5e6f0000000002", secret: "K005fake/unlisted+secret" };
  const server = await startB2Server({
    directory,
    region: REGION,
    buckets: [BUCKET],
    keys: [
      {
        ...full,
        capabilities: new Set(["listFiles", "readFiles", "writeFiles", "deleteFiles"] as const),
      },
      { ...unlisted, capabilities: new Set(["readFiles", "writeFiles"] as const) },
    ],
    durable: false,
    now,
  });
  return {
    ...full,
    endpoint: server.endpoint,
    region: REGION,
    bucket: BUCKET,
    unlisted,
    server,
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
