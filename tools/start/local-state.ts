import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateToken } from "../../src/api/tokens.ts";
import { generateSecretKey } from "../../src/nix/signature.ts";

/** The state that `npm start` keeps between runs, in `.nargate/` of this repository. */
export interface LocalState {
  readonly bucketDirectory: string;
  readonly catalogDirectory: string;
  /**
   * Has the port of the bucket of the last run. A catalog belongs to one endpoint, so at
   * another port it would be filled again.
   */
  readonly bucketPortFile: string;
  readonly netrcFile: string;
  readonly signingKey: string;
  readonly tokens: LocalTokens;
}

/**
 * The tokens of a state directory. They are random: with a token that everyone knows,
 * any page in a browser on this machine could change the cache.
 */
export interface LocalTokens {
  readonly push: string;
  readonly admin: string;
}

/** Opens the state directory. Creates the directory and its files if they do not exist. */
export async function openLocalState(directory: string): Promise<LocalState> {
  const bucketDirectory = join(directory, "bucket");
  await mkdir(bucketDirectory, { recursive: true, mode: 0o700 });
  const tokens: LocalTokens = {
    push: await readOrCreate(join(directory, "push-token"), generateToken),
    admin: await readOrCreate(join(directory, "admin-token"), generateToken),
  };
  const netrcFile = join(directory, "netrc");
  await writePrivateFile(netrcFile, `machine 127.0.0.1 login nargate password ${tokens.push}\n`);
  return {
    bucketDirectory,
    catalogDirectory: join(directory, "catalog"),
    bucketPortFile: join(directory, "bucket-port"),
    netrcFile,
    // Every clone has its own key, so no developer trusts the signatures of another.
    signingKey: await readOrCreate(join(directory, "signing-key"), () =>
      generateSecretKey(`nargate-dev-${randomBytes(3).toString("hex")}`),
    ),
    tokens,
  };
}

/** Returns the port of the bucket of the last run; 0, for any port, if there is none. */
export async function readBucketPort({ bucketPortFile }: LocalState): Promise<number> {
  const text = await readFile(bucketPortFile, "utf8").catch(() => "");
  return /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
}

export async function keepBucketPort(
  { bucketPortFile }: LocalState,
  endpoint: string,
): Promise<void> {
  await writePrivateFile(bucketPortFile, `${new URL(endpoint).port}\n`);
}

/** Returns the text in `file`. Creates the file on the first run. */
async function readOrCreate(file: string, create: () => string | Promise<string>): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const text = await create();
  await writePrivateFile(file, `${text}\n`);
  return text;
}

async function writePrivateFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, file);
}
