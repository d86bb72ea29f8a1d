import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { endWithThisProcess } from "./start-process.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** Builds the worker as `npm run deploy` sends it to Cloudflare. Returns the file of the bundle. */
export async function buildDeployedWorker(directory: string): Promise<string> {
  const wrangler = path.join(REPOSITORY, "node_modules/wrangler/bin/wrangler.js");
  const args = [wrangler, "deploy", "--dry-run", "--outdir", directory];
  const building = promisify(execFile)(process.execPath, args, {
    cwd: REPOSITORY,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
  endWithThisProcess(building.child);
  await building;
  return path.join(directory, "index.js");
}

/** The workers of `bench/workerd`, by the names of their files. */
export type SmallestWorker =
  | "memory-cache"
  | "match-cache"
  | "sign-and-fetch"
  | "call-and-fetch"
  | "look-fetch-and-fill"
  | "fetch-and-fill"
  | "read-hash-and-send"
  | "proxy"
  | "say-nothing";

/** Builds one of the workers of `bench/workerd`. Returns the file of the bundle. */
export async function buildSmallestWorker(
  name: SmallestWorker,
  directory: string,
): Promise<string> {
  const outfile = path.join(directory, `${name}.js`);
  await build({
    entryPoints: [path.join(REPOSITORY, `bench/workerd/${name}.ts`)],
    bundle: true,
    outfile,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
  });
  return outfile;
}

/** Returns the compatibility date of the deployed worker, which all workers here use too. */
export async function readCompatibilityDate(): Promise<string> {
  const text = await readFile(path.join(REPOSITORY, "wrangler.toml"), "utf8");
  const match = /^compatibility_date = "([\d-]+)"$/m.exec(text);
  if (match?.[1] === undefined) throw new Error("wrangler.toml has no compatibility_date; add one");
  return match[1];
}
