import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import path from "node:path";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { formatNginxConfig } from "./nginx-config.ts";
import { type RunningProcess, startProcess } from "./start-process.ts";

/** The program; Debian keeps it where only root's PATH looks. */
export const NGINX = ["nginx", "/usr/sbin/nginx"].find(
  (program) => spawnSync(program, ["-v"]).status === 0,
);

export const hasNginx = NGINX !== undefined;

/** Whether it was built with the module that takes a PUT. */
export function takesUploads(): boolean {
  if (NGINX === undefined) return false;
  return spawnSync(NGINX, ["-V"]).stderr.toString().includes("--with-http_dav_module");
}

export interface Nginx extends RunningProcess {
  /** What it serves, and where it puts what is uploaded: its own, and empty. */
  readonly root: string;
}

/** Debian's nginx with one worker process, which is the one that is measured. */
export async function startNginx(parent: string): Promise<Nginx> {
  if (NGINX === undefined) throw new Error("nginx is not installed");
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
