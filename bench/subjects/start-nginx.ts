import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { findFreePort } from "../../test/setup/find-free-port.ts";
import { type RunningProcess, startProcess } from "./start-process.ts";

/** Debian keeps it where only root's PATH looks. */
const NGINX = ["nginx", "/usr/sbin/nginx"].find(
  (program) => spawnSync(program, ["-v"]).status === 0,
);

export const hasNginx = NGINX !== undefined;

/** Whether it was built with the module that takes a PUT. */
export function takesUploads(): boolean {
  if (NGINX === undefined) return false;
  return spawnSync(NGINX, ["-V"]).stderr.toString().includes("--with-http_dav_module");
}

export interface Nginx extends RunningProcess {
  /** What it serves, and where it puts what is uploaded. */
  readonly root: string;
}

/** Debian's nginx with one worker process, which is the one that is measured. */
export async function startNginx(directory: string): Promise<Nginx> {
  if (NGINX === undefined) throw new Error("nginx is not installed");
  const root = path.join(directory, "nginx-root");
  const state = path.join(directory, "nginx-state");
  for (const made of [root, state]) await mkdir(made, { recursive: true });
  const port = await findFreePort();
  const file = path.join(state, "nginx.conf");
  await writeFile(file, formatNginxConfig({ port, root, state }));
  const args = ["-p", state, "-e", path.join(state, "error.log"), "-c", file];
  const running = await startProcess({ program: NGINX, args, port });
  return { ...running, root };
}

interface NginxSettings {
  readonly port: number;
  readonly root: string;
  readonly state: string;
}

function formatNginxConfig({ port, root, state }: NginxSettings): string {
  // As root it would else become a user who may not read the files.
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${path.join(state, name)};`)
    .join("\n");
  return `${user}daemon off;
master_process off;
worker_processes 1;
pid ${path.join(state, "pid")};
error_log ${path.join(state, "error.log")};
events { worker_connections 512; }
http {
${temporary}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 10000000;
  client_max_body_size 0;
  types { text/x-nix-narinfo narinfo; application/x-nix-nar nar; text/x-nix-cache-info cache-info; }
  server {
    listen 127.0.0.1:${port};
    root ${root};
${takesUploads() ? "    dav_methods PUT;\n    create_full_put_path on;\n" : ""}  }
}
`;
}
