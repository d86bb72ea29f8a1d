import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GATEWAY_FACTS } from "../../testkit/node/gateway-facts.ts";

const ENTRY = path.resolve(import.meta.dirname, "../../src/cli/nargate.ts");
const HOST = "cache.corporate.example";
const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" });
}

/** Makes a certificate for `HOST` by an authority of its own. */
function makeCertificate(directory: string) {
  const file = (name: string) => path.join(directory, name);
  const key = ["-newkey", "rsa:2048", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.pem"),
    "-subj",
    "/CN=ca",
  );
  const subject = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`];
  const authority = ["-CA", file("ca.pem"), "-CAkey", file("ca.key")];
  openssl(
    "req",
    "-x509",
    ...key,
    ...authority,
    ...subject,
    "-keyout",
    file("h.key"),
    "-out",
    file("h.pem"),
  );
  return {
    authority: file("ca.pem"),
    key: readFileSync(file("h.key")),
    cert: readFileSync(file("h.pem")),
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function ls(env: Readonly<Record<string, string>>) {
  const args = ["--no-warnings", ENTRY, "ls", "--to", `https://${HOST}`, HASH];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

describe.skipIf(!hasOpenssl)("nargate in a network with a proxy and an own authority", () => {
  const servers: Server[] = [];
  const tunnels: string[] = [];
  let directory = "";
  let authority = "";
  let proxy = "";

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "nargate-network-"));
    const made = makeCertificate(directory);
    ({ authority } = made);
    const cache = createHttpsServer(made, (request, response) => {
      if (request.url === "/api/v1/cache") response.end(JSON.stringify(GATEWAY_FACTS));
      else response.writeHead(404).end();
    });
    const cachePort = await listen(cache);
    // Only the proxy can reach the cache: its name does not exist.
    const gate = createHttpServer();
    gate.on("connect", (request, socket) => {
      tunnels.push(request.url ?? "");
      const inner = connect(cachePort, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        inner.pipe(socket);
        socket.pipe(inner);
      });
      for (const side of [socket, inner]) side.on("error", () => {});
    });
    proxy = `http://127.0.0.1:${await listen(gate)}`;
    servers.push(cache, gate);
  });
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
    for (const server of servers) server.close();
  });

  it.each(["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"])(
    "goes through https_proxy, and trusts the authority in %s",
    async (variable) => {
      tunnels.length = 0;
      const { code, stdout, stderr } = await ls({ https_proxy: proxy, [variable]: authority });
      expect(stderr).toBe("");
      expect([code, stdout]).toEqual([1, `${HASH}  missing\n`]);
      expect(new Set(tunnels)).toEqual(new Set([`${HOST}:443`]));
    },
  );

  it("says that it cannot use the file of certificates", async () => {
    const { stderr } = await ls({ https_proxy: proxy, NIX_SSL_CERT_FILE: "/nonexistent.pem" });
    expect(stderr).toContain(
      "nargate: warning: cannot use the certificates in NIX_SSL_CERT_FILE (/nonexistent.pem): ENOENT\n",
    );
  }, 60_000);
});
