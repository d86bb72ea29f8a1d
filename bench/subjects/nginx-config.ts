import path from "node:path";

export interface NginxSettings {
  readonly port: number;
  /** The directory that nginx serves. */
  readonly root: string;
  /** The directory for nginx's own files. */
  readonly state: string;
  /**
   * Whether nginx is started by root. By default it would then change to another user,
   * who may not read the files.
   */
  readonly runsAsRoot: boolean;
  /** Whether nginx has its module for PUT. */
  readonly takesUploads: boolean;
}

/** Returns a configuration for one nginx process in the foreground, set to serve files fast. */
export function formatNginxConfig(settings: NginxSettings): string {
  const { port, root, state, runsAsRoot, takesUploads } = settings;
  const inState = (name: string) => quote(path.join(state, name));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${inState(name)};`)
    .join("\n");
  return `${runsAsRoot ? "user root;\n" : ""}daemon off;
master_process off;
worker_processes 1;
pid ${inState("pid")};
error_log ${inState("error.log")};
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
    root ${quote(root)};
${takesUploads ? "    dav_methods PUT;\n    create_full_put_path on;\n" : ""}  }
}
`;
}

/** Quotes a path, because the name of a directory may contain spaces. */
function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
