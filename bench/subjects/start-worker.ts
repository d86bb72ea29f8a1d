import { createRequire } from "node:module";
import { mkdtemp, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { type RunningProcess, startProcess } from "./start-process.ts";
import { formatWorkerdConfig, type WorkerToServe } from "./workerd-config.ts";

// The one that Miniflare runs; its package's main file knows where the program is.
const miniflare = createRequire(import.meta.url).resolve("miniflare");
const workerd = createRequire(miniflare)("workerd") as { readonly default: string };

/** The program. */
export const WORKERD = workerd.default;

export type WorkerToStart = Omit<WorkerToServe, "port">;

/**
 * Runs one worker in a workerd of its own, so that CPU and memory of the process
 * are the worker's. workerd itself rather than Miniflare, which would put its
 * own entry worker and cache beside it in the same process.
 */
export async function startWorker(worker: WorkerToStart, parent: string): Promise<RunningProcess> {
  const directory = await mkdtemp(path.join(parent, "workerd-"));
  // What a configuration embeds is looked for beside it.
  await symlink(worker.module, path.join(directory, "worker.js"));
  const { cache } = worker;
  if (cache !== undefined) await symlink(cache.module, path.join(directory, "cache.js"));
  const port = await findFreePort();
  const config = formatWorkerdConfig({
    ...worker,
    port,
    module: "worker.js",
    cache: cache && { ...cache, module: "cache.js" },
  });
  const file = path.join(directory, "config.capnp");
  await writeFile(file, config);
  return await startProcess({ program: WORKERD, args: ["serve", file], port });
}
