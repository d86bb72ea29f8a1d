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

export interface WorkerToStart extends Omit<WorkerToServe, "port"> {
  /** Whether the worker has an inspector. It takes some 20 MB of memory. */
  readonly isInspected?: boolean;
}

export interface RunningWorker extends RunningProcess {
  readonly inspectorUrl: string | undefined;
}

/**
 * Runs one worker in its own workerd process, so that the CPU and memory of the process
 * are those of the worker. Does not use Miniflare, which would run its own entry worker
 * and cache in the same process.
 */
export async function startWorker(worker: WorkerToStart, parent: string): Promise<RunningWorker> {
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
  const inspector = worker.isInspected ? `127.0.0.1:${await findFreePort()}` : undefined;
  const options = inspector === undefined ? [] : [`--inspector-addr=${inspector}`];
  const running = await startProcess({ program: WORKERD, args: ["serve", ...options, file], port });
  return { ...running, inspectorUrl: inspector && `http://${inspector}` };
}
