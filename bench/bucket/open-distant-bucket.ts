import { mkdir } from "node:fs/promises";
import path from "node:path";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import type { Teardown } from "../measure/teardown.ts";
import { startProcess } from "../subjects/start-process.ts";
import { BUCKET } from "./bucket-calls.ts";
import { startDelayProxy } from "./delay-proxy.ts";
import { bucketSettings, startBucket } from "./start-bucket.ts";

/** The server that holds a bucket. */
export interface BucketKind {
  /** As the report names it. */
  readonly name: string;
  /** The path of Versity's S3 gateway, or `undefined` for the b2-server of this project. */
  readonly versitygw: string | undefined;
  /** Whether the server refuses a body with another SHA-256 than its signature covers. */
  readonly provesBytes: boolean;
}

/** An empty bucket, as far away as asked. */
export interface DistantBucket {
  /** Host and port of the bucket's S3 API, which speaks HTTP without TLS. */
  readonly host: string;
  /** The settings that a worker needs to use the bucket. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Starts an empty bucket in `directory`, and a proxy that adds the distance. */
export async function openDistantBucket(
  { versitygw, provesBytes }: BucketKind,
  roundTripMilliseconds: number,
  { directory, teardown }: { readonly directory: string; readonly teardown: Teardown },
): Promise<DistantBucket> {
  let port: number;
  if (versitygw === undefined) {
    const bucket = await startBucket(directory);
    teardown.add(() => bucket.stop());
    if (!provesBytes) await bucket.stopProving();
    port = Number(new URL(bucket.url).port);
  } else {
    port = await startVersitygw(versitygw, directory, teardown);
  }
  if (roundTripMilliseconds > 0) {
    const proxy = await startDelayProxy(port, roundTripMilliseconds);
    teardown.add(() => proxy.close());
    ({ port } = proxy);
  }
  const host = `127.0.0.1:${port}`;
  return { host, settings: bucketSettings(`http://${host}`) };
}

/** Starts Versity's S3 gateway, which keeps objects as files. Returns its port. */
async function startVersitygw(
  program: string,
  parent: string,
  teardown: Teardown,
): Promise<number> {
  const root = path.join(parent, "versitygw");
  await mkdir(path.join(root, BUCKET.name), { recursive: true });
  const port = await findFreePort();
  const running = await startProcess({
    program,
    args: ["--port", `127.0.0.1:${port}`, "--region", BUCKET.region, "--quiet", "posix", root],
    port,
    options: {
      env: { ...process.env, ROOT_ACCESS_KEY: BUCKET.keyId, ROOT_SECRET_KEY: BUCKET.secret },
    },
  });
  teardown.add(() => running.stop());
  return port;
}
