import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { endWithThisProcess } from "./start-process.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** The worker as `npm run deploy` would send it to Cloudflare, as a file. */
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

export type SmallestWorker =
  | "memory-cache"
  | "match-cache"
  | "sign-and-fetch"
  | "fetch-and-fill"
  | "read-and-send"
  | "say-nothing";

/** One of the workers of `bench/workerd`, as a file. */
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

/** Every worker here runs under the date of the deployed one. */
export async function readCompatibilityDate(): Promise<string> {
  const text = await readFile(path.join(REPOSITORY, "wrangler.toml"), "utf8");
  const match = /^compatibility_date = "([\d-]+)"$/m.exec(text);
  if (match?.[1] === undefined) throw new Error("wrangler.toml lacks a compatibility_date");
  return match[1];
}
