/** `npm run bucket`: runs the b2-server alone, so that a set-up can be tried without an account. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { startB2Server } from "./b2-server.ts";

const HELP = `Usage: npm run bucket

Runs a bucket on this machine, on disk, with the S3 API as B2 has it. Prints the
settings of the bucket, for nargate init, nargate fsck or npm run canary.
Its key opens the prefix nix/cache/ alone. Delete BUCKET_STATE to delete the bucket.

Environment variables:
  PORT           the port (default: 9000)
  BUCKET_STATE   the directory that keeps the bucket and its application key between
                 runs (default: .nargate/trial-bucket in this repository)
`;

const REGION = "local";
const BUCKET = "trial";
const PREFIX = "nix/cache/";
const KEY_ID = "trial-key";

const DEFAULT_DIRECTORY = fileURLToPath(new URL("../../.nargate/trial-bucket", import.meta.url));

/** Returns the application key of the directory. Makes one at the first run. */
async function readApplicationKey(directory: string): Promise<string> {
  const file = path.join(directory, "application-key");
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const secret = randomBytes(24).toString("hex");
  await writeFile(file, `${secret}\n`, { mode: 0o600, flag: "wx" });
  return secret;
}

function parsePort(text = "9000"): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new Error("PORT must be a number from 0 to 65535");
}

async function main(): Promise<void> {
  const [argument] = process.argv.slice(2);
  if (argument === "--help" || argument === "-h") return void process.stdout.write(HELP);
  if (argument !== undefined) {
    throw new Error(`npm run bucket does not know the argument ${argument}\n\n${HELP.trimEnd()}`);
  }
  const port = parsePort(process.env["PORT"]);
  const directory = path.resolve(process.env["BUCKET_STATE"] ?? DEFAULT_DIRECTORY);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const secret = await readApplicationKey(directory);
  const server = await startB2Server({
    directory: path.join(directory, "bucket"),
    region: REGION,
    buckets: [BUCKET],
    port,
    keys: [
      {
        keyId: KEY_ID,
        secret,
        capabilities: new Set(["listFiles", "readFiles", "writeFiles"] as const),
        namePrefix: PREFIX,
      },
    ],
  });
  const stop = () => void server.close().then(() => process.exit(0));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  process.stdout.write(`A bucket on this machine, at ${server.endpoint}. Its settings:

export B2_ENDPOINT=${server.endpoint} B2_REGION=${REGION} B2_BUCKET=${BUCKET} B2_PREFIX=${PREFIX}
export B2_KEY_ID=${KEY_ID} B2_APPLICATION_KEY=${secret}

Ctrl-C stops it.
`);
}

function describe(error: unknown): string {
  if ((error as { code?: unknown }).code === "EADDRINUSE") {
    return `port ${process.env["PORT"] ?? "9000"} is in use; set PORT to another port`;
  }
  return error instanceof Error ? error.message : String(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`Cannot start: ${describe(error)}\n`);
  process.exitCode = 2;
});
