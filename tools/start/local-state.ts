import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateSecretKey } from "../../src/nix/signature.ts";

/** The state that `npm start` keeps between runs, in `.nargate/` of this repository. */
export interface LocalState {
  readonly bucketDirectory: string;
  readonly netrcFile: string;
  readonly signingKey: string;
}

/** The push token of `npm start`. It is no secret: the gateway listens on 127.0.0.1 only. */
export const DEV_TOKEN = "dev-push-token";

/** Opens the state directory. Creates the directory and its files if they do not exist. */
export async function openLocalState(directory: string): Promise<LocalState> {
  const bucketDirectory = join(directory, "bucket");
  await mkdir(bucketDirectory, { recursive: true, mode: 0o700 });
  const netrcFile = join(directory, "netrc");
  await writePrivateFile(netrcFile, `machine 127.0.0.1 login nargate password ${DEV_TOKEN}\n`);
  return {
    bucketDirectory,
    netrcFile,
    signingKey: await readSigningKey(join(directory, "signing-key")),
  };
}

/**
 * Returns the signing key in `file`; creates the key on the first run. Every clone
 * has its own key, so no developer trusts the signatures of another.
 */
async function readSigningKey(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const key = await generateSecretKey(`nargate-dev-${randomBytes(3).toString("hex")}`);
  await writePrivateFile(file, `${key}\n`);
  return key;
}

async function writePrivateFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, file);
}
