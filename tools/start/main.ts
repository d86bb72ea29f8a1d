/** `npm start`: runs the whole cache on this machine. See README.md and HELP. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { formatPublicKey, parseSecretKey, publicKeyOf } from "../../src/nix/signature.ts";
import { UsageError } from "../../src/client/client-error.ts";
import { startB2Server } from "../b2-server/b2-server.ts";
import { keepBucketPort, type LocalState, openLocalState, readBucketPort } from "./local-state.ts";
import { runWorker } from "./run-worker.ts";
import { HELP, parseStartFlags } from "./start-flags.ts";
import { isPortFree } from "../is-port-free.ts";
import { CONFIG_FILE, readConfig } from "../deployment/config-file.ts";
import { readSecretsFile } from "../deployment/secrets-file.ts";
import {
  namesBucket,
  settingsForLocalBucket,
  settingsFromEnvironment,
  settingsFromFiles,
} from "./start-settings.ts";

const DEFAULT_STATE_DIRECTORY = fileURLToPath(new URL("../../.nargate", import.meta.url));

interface Running {
  readonly banner: string;
  close(): Promise<void>;
}

async function startWithLocalBucket(port: number): Promise<Running> {
  const state = await openLocalState(
    path.resolve(process.env["NARGATE_STATE"] ?? DEFAULT_STATE_DIRECTORY),
  );
  const key = { keyId: "local", secret: randomBytes(24).toString("hex") };
  const lastPort = await readBucketPort(state);
  const bucket = await startB2Server({
    port: (await isPortFree(lastPort)) ? lastPort : 0,
    directory: state.bucketDirectory,
    region: "local",
    buckets: ["nargate"],
    keys: [{ ...key, capabilities: new Set(["listFiles", "readFiles", "writeFiles"] as const) }],
  }).catch((error: Error) => {
    // The usual cause: another `npm start` uses the same directory.
    throw new StartError(`Cannot start:\n  ${error.message}`);
  });
  await keepBucketPort(state, bucket.endpoint);
  const settings = settingsForLocalBucket(
    {
      B2_ENDPOINT: bucket.endpoint,
      B2_REGION: "local",
      B2_BUCKET: "nargate",
      B2_PREFIX: "nix/cache/",
      B2_KEY_ID: key.keyId,
      B2_APPLICATION_KEY: key.secret,
    },
    state,
    process.env,
  );
  if (!settings.ok) throw new StartError(listProblems(settings.error));
  const worker = await runWorker(settings.value, port, state.catalogDirectory);
  return {
    banner: localBanner(worker.url, state),
    async close() {
      await worker.close();
      await bucket.close();
    },
  };
}

async function startWithFiles(port: number, config: string, secretsFile: string): Promise<Running> {
  const { vars } = readConfig(path.resolve(config));
  const secrets = await readSecretsFile(secretsFile);
  return await startWithBucket(port, settingsFromFiles(vars, secrets, process.env["HOSTS"]));
}

async function startWithEnvironment(port: number): Promise<Running> {
  const settings = settingsFromEnvironment(process.env);
  if (settings.ok) return await startWithBucket(port, settings);
  throw new StartError(
    `${listProblems(settings.error)}\nB2_ settings are in the environment. Without any of them npm start uses a bucket on disk.`,
  );
}

async function startWithBucket(
  port: number,
  settings: ReturnType<typeof settingsFromEnvironment>,
): Promise<Running> {
  if (!settings.ok) throw new StartError(listProblems(settings.error));
  const worker = await runWorker(settings.value, port);
  const { B2_BUCKET, B2_PREFIX, B2_ENDPOINT } = settings.value;
  const banner = [
    `Nargate serves ${worker.url}`,
    `from the bucket ${B2_BUCKET}/${B2_PREFIX} at ${B2_ENDPOINT}`,
    "and accepts the tokens in TOKENS. Ctrl-C stops it.",
  ];
  return { banner: banner.join("\n"), close: () => worker.close() };
}

function localBanner(url: string, state: LocalState): string {
  const secretKey = parseSecretKey(state.signingKey);
  if (!secretKey.ok) {
    throw new StartError(
      `.nargate/signing-key ${secretKey.error}. Delete the file; the next start creates a new key.`,
    );
  }
  const publicKey = formatPublicKey(publicKeyOf(secretKey.value));
  return [
    `Nargate serves ${url}`,
    "",
    `  public key   ${publicKey}`,
    `  push token   ${state.tokens.push}`,
    `  admin token  ${state.tokens.admin}`,
    `  bucket       ${path.relative(process.cwd(), state.bucketDirectory) || "."} (embedded, kept between runs)`,
    "",
    "Push a store path and its closure:",
    `  NARGATE_TOKEN=${state.tokens.push} ./nargate push --to ${url} PATH`,
    "or, with Nix alone:",
    `  nix --extra-experimental-features nix-command copy --to '${url}?compression=zstd' --option netrc-file ${state.netrcFile} PATH`,
    "",
    "Pull it (with --store /tmp/trial into another store):",
    `  nix-store --realise PATH --option substituters ${url} --option trusted-public-keys ${publicKey}`,
    "",
    "Ctrl-C stops it.",
  ].join("\n");
}

function listProblems(problems: readonly { setting: string; problem: string }[]): string {
  return [
    "Cannot start:",
    ...problems.map(({ setting, problem }) => `  ${setting} ${problem}`),
  ].join("\n");
}

/** An error whose message is printed without a stack. */
class StartError extends Error {}

function parsePort(text = "8787"): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  throw new StartError("Cannot start:\n  PORT must be a number from 0 to 65535");
}

async function main(): Promise<void> {
  const { help, config, secretsFile } = parseStartFlags(process.argv.slice(2));
  if (help) return void process.stdout.write(HELP);
  const port = parsePort(process.env["PORT"]);
  await requireFreePort(port);
  const running = await start(port, config, secretsFile);
  // Handle signals before the banner mentions Ctrl-C: a signal between the two would
  // be lost.
  stopOnSignals(running);
  process.stdout.write(`${running.banner}\n`);
}

async function start(
  port: number,
  config = CONFIG_FILE,
  secretsFile: string | undefined,
): Promise<Running> {
  if (secretsFile !== undefined) return await startWithFiles(port, config, secretsFile);
  return namesBucket(process.env)
    ? await startWithEnvironment(port)
    : await startWithLocalBucket(port);
}

function stopOnSignals(running: Running): void {
  let isStopping = false;
  // One Ctrl-C arrives twice: from the terminal and from npm.
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    running.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // Remove Miniflare's own listener: it would exit at once, even during a write.
    process.removeAllListeners(signal).on(signal, stop);
  }
}

/** Throws if the port is in use. workerd's own message is less clear. */
async function requireFreePort(port: number): Promise<void> {
  if (await isPortFree(port)) return;
  throw new StartError(`Cannot start:\n  port ${port} is in use; set PORT to another port`);
}

main().catch((error: unknown) => {
  const isExplained = error instanceof StartError || error instanceof UsageError;
  const message = isExplained ? error.message : String((error as Error).stack);
  process.stderr.write(`${message}\n`);
  process.exit(2);
});
