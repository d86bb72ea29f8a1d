import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { BUCKET } from "../bucket/bucket-calls.ts";
import { type RunningProcess, startProcess } from "./start-process.ts";

// ncps must have an upstream. This one has nothing, and nothing listens there.
const NO_UPSTREAM = "http://127.0.0.1:9";

/**
 * Starts ncps in front of a bucket, with SQLite as its database. It signs, and accepts
 * uploads. Its own files are in `directory`.
 */
export async function startNcps(
  program: string,
  bucketHost: string,
  directory: string,
): Promise<RunningProcess> {
  const own = path.join(directory, "ncps");
  await mkdir(own);
  const keyFile = path.join(own, "key");
  await writeFile(keyFile, await generateSecretKey("ncps-1"));
  const database = `--cache-database-url=sqlite:${path.join(own, "db.sqlite")}`;
  await promisify(execFile)(program, ["migrate", "up", database]);
  const port = await findFreePort();
  const options = {
    "cache-hostname": "127.0.0.1",
    "cache-allow-put-verb": "true",
    "cache-secret-key-path": keyFile,
    "cache-storage-s3-bucket": BUCKET.name,
    "cache-storage-s3-endpoint": `http://${bucketHost}`,
    "cache-storage-s3-region": BUCKET.region,
    "cache-storage-s3-access-key-id": BUCKET.keyId,
    "cache-storage-s3-secret-access-key": BUCKET.secret,
    "cache-storage-s3-force-path-style": "true",
    "cache-temp-path": own,
    "cache-upstream-url": NO_UPSTREAM,
    "server-addr": `127.0.0.1:${port}`,
  };
  const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  return await startProcess({ program, args: ["serve", database, ...flags], port });
}
