import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { BUCKET } from "../bucket/bucket-calls.ts";
import { type RunningProcess, startProcess } from "./start-process.ts";

/** The programs of niks3, by name. */
export type Niks3Programs = Readonly<Record<"niks3" | "niks3-server", string>>;

/** A server of niks3, and the arguments of its client. */
export interface Niks3 extends RunningProcess {
  /** The words of a command that pushes the paths behind them, on a machine with this store. */
  pushCommand(storeDirectory: string): readonly [string, ...string[]];
}

// The client reads the files of /nix/store, so the store of the simulated machine is
// mounted there. `$0` is the store, and `$@` is the command.
const WITH_STORE = [
  "unshare",
  "--user",
  "--map-root-user",
  "--mount",
  "sh",
  "-c",
  'mount --bind "$0" /nix/store && exec "$@"',
] as const;

/** Returns why the client of niks3 cannot run here, or `undefined` if it can. */
export function whyNoNiks3Client(): string | undefined {
  if (!existsSync("/nix/store")) return "its client reads /nix/store, which does not exist";
  const [program, ...options] = WITH_STORE;
  const tried = spawnSync(program, [...options.slice(0, 3), "true"]);
  if (tried.status === 0) return undefined;
  return "its client reads /nix/store, and this user may not mount another store there (unshare)";
}

/**
 * Starts a server of niks3 in front of a bucket, which signs, and serves pulls by reading
 * the bucket itself. Its own files are in `directory`.
 */
export async function startNiks3(
  programs: Niks3Programs,
  bucketHost: string,
  database: string,
  directory: string,
): Promise<Niks3> {
  const token = randomBytes(24).toString("hex");
  const tokenFile = path.join(directory, "niks3-token");
  const keyFile = path.join(directory, "niks3-key");
  await writeFile(tokenFile, token);
  await writeFile(keyFile, await generateSecretKey("niks3-1"));
  const port = await findFreePort();
  const options = {
    db: database,
    "http-addr": `127.0.0.1:${port}`,
    "s3-endpoint": bucketHost,
    "s3-use-ssl": "false",
    "s3-access-key": BUCKET.keyId,
    "s3-secret-key": BUCKET.secret,
    "s3-bucket": BUCKET.name,
    "s3-region": BUCKET.region,
    "s3-bucket-lookup": "path",
    "api-token-path": tokenFile,
    "enable-read-proxy": "true",
    "sign-key-path": keyFile,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const running = await startProcess({ program: programs["niks3-server"], args, port });
  return {
    ...running,
    pushCommand(storeDirectory) {
      const to = ["--server-url", running.url, "--auth-token-path", tokenFile];
      const [program, ...unshared] = WITH_STORE;
      return [program, ...unshared, storeDirectory, programs.niks3, "push", ...to];
    },
  };
}
