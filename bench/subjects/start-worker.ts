import { createRequire } from "node:module";
import { mkdtemp, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { type RunningProcess, startProcess } from "./start-process.ts";
import { formatWorkerdConfig, type WorkerToServe } from "./workerd-config.ts";

// The workerd that Miniflare runs. The main file of its package exports the path of the
// program.
const miniflare = createRequire(import.meta.url).resolve("miniflare");
const workerd = createRequire(miniflare)("workerd") as { readonly default: string };

/** The path of the workerd program. */
export const WORKERD = workerd.default;

export type WorkerToStart = Omit<WorkerToServe, "port">;

/**
 * Runs one worker in its own workerd process, so that the CPU and memory of the process
 * are those of the worker. Does not use Miniflare, which would run its own entry worker
 * and cache in the same process.
 */
export async function startWorker(worker: WorkerToStart, parent: string): Promise<RunningProcess> {
  const directory = await mkdtemp(path.join(parent, "workerd-"));
  // workerd looks for embedded files next to the configuration.
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
