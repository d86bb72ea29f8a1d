import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import path from "node:path";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { formatNginxConfig } from "./nginx-config.ts";
import { type RunningProcess, startProcess } from "./start-process.ts";

/** The nginx program, or `undefined`. Debian installs it in a directory that only root's PATH contains. */
export const NGINX = ["nginx", "/usr/sbin/nginx"].find(
  (program) => spawnSync(program, ["-v"]).status === 0,
);

export const hasNginx = NGINX !== undefined;

/** Returns whether nginx was built with its module for PUT. */
export function takesUploads(): boolean {
  if (NGINX === undefined) return false;
  return spawnSync(NGINX, ["-V"]).stderr.toString().includes("--with-http_dav_module");
}

export interface Nginx extends RunningProcess {
  /** The directory that nginx serves and stores uploads in. It is empty at the start. */
  readonly root: string;
}

/** Starts nginx as a single process, so that its CPU time is that of the process. */
export async function startNginx(parent: string): Promise<Nginx> {
  if (NGINX === undefined)
    throw new Error("nginx is not installed; install it, or skip this comparison");
  const directory = await mkdtemp(path.join(parent, "nginx-"));
  const root = path.join(directory, "root");
  const state = path.join(directory, "state");
  for (const made of [root, state]) await mkdir(made);
  const port = await findFreePort();
  const file = path.join(state, "nginx.conf");
  const runsAsRoot = process.getuid?.() === 0;
  const settings = { port, root, state, runsAsRoot, takesUploads: takesUploads() };
  await writeFile(file, formatNginxConfig(settings));
  const args = ["-p", state, "-e", path.join(state, "error.log"), "-c", file];
  const running = await startProcess({ program: NGINX, args, port });
  return { ...running, root };
}
