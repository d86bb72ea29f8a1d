import { copyFile, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { ProcessContext } from "../../src/client/process-context.ts";
import { type Asker, createSilentAsker } from "../../tools/init/asker.ts";
import type { Deployer } from "../../tools/init/deployer.ts";
import { parseInitFlags } from "../../tools/init/init-flags.ts";
import { runInit } from "../../tools/init/run-init.ts";
import {
  type CanaryBucketServer,
  LIFECYCLE,
  SECRET,
  startCanaryBucket,
} from "./start-canary-bucket.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { createTestContext } from "./test-context.ts";

const CONFIG = new URL("../../wrangler.toml", import.meta.url);

export interface InitRun {
  readonly code: number;
  readonly output: string;
  /** The message of the error that ended the run. */
  readonly error: string | undefined;
}

export interface TrialOptions {
  readonly asker?: Asker;
  readonly context?: Partial<ProcessContext>;
  /** The secrets that the deployment has already. */
  readonly stored?: readonly string[];
  /** Where it deploys to. By default this machine, where the bucket is. */
  readonly target?: "cloudflare";
  /** The exit code of the doctor. */
  readonly doctor?: number;
}

/** A copy of wrangler.toml, a home and a bucket, and `nargate init` on them in this process. */
export interface InitTrial {
  readonly bucket: CanaryBucketServer;
  readonly home: string;
  readonly configFile: string;
  /** The calls of the deployer and of the doctor, in order. */
  readonly calls: readonly string[];
  run(args: readonly string[], options?: TrialOptions): Promise<InitRun>;
  /** Reads a file below `.config/nargate` of the home. */
  read(file: string): Promise<string>;
  modeOf(file: string): Promise<number>;
}

export async function startInitTrial(): Promise<InitTrial> {
  const home = await temporaryDirectory();
  const bucket = await startCanaryBucket();
  onTestFinished(() => bucket.close());
  await bucket.store.writeLifecycle(LIFECYCLE);
  const configFile = path.join(home, "wrangler.toml");
  await copyFile(CONFIG, configFile);
  const calls: string[] = [];
  const place = (file: string) => path.join(home, ".config/nargate", file);

  async function run(args: readonly string[], options: TrialOptions = {}): Promise<InitRun> {
    let output = "";
    const write = (text: string) => (output += text);
    const { endpoint, region, bucket: name, prefix, keyId } = bucket.configOf("owner");
    const context = createTestContext({
      env: {
        HOME: home,
        B2_ENDPOINT: endpoint,
        B2_REGION: region,
        B2_BUCKET: name,
        B2_PREFIX: prefix,
        B2_KEY_ID: keyId,
        B2_APPLICATION_KEY: SECRET,
      },
      cwd: home,
      stdout: { write },
      stderr: { write },
      fetch: async () => new Response("StoreDir: /nix/store\n"),
      ...options.context,
    });
    const deployer: Deployer = {
      prepare: async () => options.stored ?? [],
      async deploy(config, secretsFile, host = "workers.dev") {
        const files = [config, secretsFile].map((file) => path.relative(home, file));
        calls.push(`deploy ${files.join(" ")} ${host}`);
        return {
          url: "https://cache.example.org",
          again: undefined,
          close: async () => void calls.push("close"),
        };
      },
    };
    // The bucket is on this machine, where Cloudflare cannot reach it.
    const isLocal = options.target === undefined && !args.includes("--no-deploy");
    const target = isLocal ? ["--local"] : [];
    const flags = parseInitFlags(["--config", configFile, ...target, ...args]);
    if (flags === "help") throw new Error("init was asked for help");
    try {
      const code = await runInit(flags, {
        context,
        asker: options.asker ?? createSilentAsker(),
        deployer: flags.target === "nothing" ? undefined : deployer,
        run: async (script, given) => {
          calls.push([path.basename(script), ...given.slice(0, 2)].join(" "));
          return { status: options.doctor ?? 0, output: "", errors: "" };
        },
      });
      return { code, output, error: undefined };
    } catch (error) {
      return { code: -1, output, error: (error as Error).message };
    }
  }

  return {
    bucket,
    home,
    configFile,
    calls,
    run,
    read: async (file) => await readFile(place(file), "utf8"),
    modeOf: async (file) => (await stat(place(file))).mode & 0o777,
  };
}
