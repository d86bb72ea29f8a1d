import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, get } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFakeB2 } from "../../../testkit/node/fake-b2.ts";
import { findFreePort, PUSH_TOKEN, TOKENS } from "../../../testkit/node/local-gateway.ts";
import { type NpmStart, npmStart } from "../../../testkit/node/npm-start.ts";

const LOG_PATH = "/log/bmzwz4nw9l9hfw14g35x4qj231imizfk-hello.drv";

let port: number;
let stateDirectory: string;
let running: NpmStart[] = [];

beforeEach(async () => {
  port = await findFreePort();
  stateDirectory = await mkdtemp(path.join(tmpdir(), "nargate-start-"));
});
afterEach(async () => {
  for (const started of running) started.interrupt();
  await Promise.all(running.map((started) => started.ended));
  running = [];
  await rm(stateDirectory, { recursive: true, force: true });
});

/** `npm start` on the port and with the state of this test. */
async function start(
  environment: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<NpmStart> {
  const started = await npmStart(
    {
      PATH: process.env["PATH"] ?? "",
      PORT: String(port),
      NARGATE_STATE: stateDirectory,
      ...environment,
    },
    args,
  );
  running.push(started);
  return started;
}

async function putLog(token: string, body: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return await fetch(`http://127.0.0.1:${port}${LOG_PATH}`, { method: "PUT", headers, body });
}

async function unpublish(token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const url = `http://127.0.0.1:${port}/${"1".repeat(32)}.narinfo`;
  return (await fetch(url, { method: "DELETE", headers })).status;
}

/** The status of a request whose Host header has this name. fetch() sets the header itself. */
async function statusUnder(host: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: "/nix-cache-info", headers: { host } };
    get(options, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).once("error", reject);
  });
}

describe("npm start", { timeout: 60_000 }, () => {
  it("serves at the port of PORT on this machine alone, and says how to push and pull", async () => {
    const server = await start();
    await server.serving;
    const url = `http://127.0.0.1:${port}`;
    const [, publicKey] = /public key +(\S+)\n/.exec(server.said()) ?? [];
    expect(publicKey).toMatch(/^nargate-dev-[0-9a-f]{6}:[A-Za-z0-9+/]{43}=$/);
    expect(server.said()).toContain(`Nargate serves ${url}\n`);
    expect(server.said()).toMatch(/^ {2}push token {3}nargate_[0-9a-z]{52}$/m);
    expect(server.said()).toMatch(/^ {2}admin token {2}nargate_[0-9a-z]{52}$/m);
    expect(server.said()).toContain(
      `NARGATE_TOKEN=${server.token("push")} ./nargate push --to ${url} PATH\n`,
    );
    expect(server.said()).toContain(
      `copy --to '${url}?compression=zstd' --option netrc-file ${path.join(stateDirectory, "netrc")} PATH\n`,
    );
    expect(server.said()).toContain(
      `nix-store --realise PATH --option substituters ${url} --option trusted-public-keys ${publicKey}\n`,
    );

    const info = await fetch(`${url}/nix-cache-info`);
    expect(await info.text()).toBe("StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n");
    await expect(fetch(`http://127.0.0.2:${port}/nix-cache-info`)).rejects.toThrow("fetch failed");
  });

  it("ends cleanly on Ctrl-C, and leaves the port free", async () => {
    const server = await start();
    await server.serving;
    server.interrupt();
    expect(await server.ended).toBe(0);
    const next = createServer();
    await new Promise<void>((resolve, reject) => {
      next.once("error", reject);
      next.listen(port, "127.0.0.1", () => next.close(() => resolve()));
    });
  });

  it("keeps its key and what was pushed for the next run", async () => {
    const first = await start();
    await first.serving;
    expect((await putLog(first.token("push"), "building\n")).status).toBe(200);
    first.interrupt();
    expect(await first.ended).toBe(0);

    const second = await start();
    await second.serving;
    const answer = await fetch(`http://127.0.0.1:${port}${LOG_PATH}`);
    expect(await answer.text()).toBe("building\n");
    expect(second.said()).toBe(first.said());
  });

  it("gives another directory other tokens, and admin rights to the admin token alone", async () => {
    const server = await start();
    await server.serving;
    expect(await unpublish(server.token("push"))).toBe(403);
    expect(await unpublish(server.token("admin"))).toBe(404);
    const [push, admin] = [server.token("push"), server.token("admin")];
    server.interrupt();
    await server.ended;
    const other = await start({ NARGATE_STATE: path.join(stateDirectory, "other") });
    await other.serving;
    expect(new Set([push, admin, other.token("push"), other.token("admin")]).size).toBe(4);
  });

  it("answers to the names of this machine, and to those in HOSTS", async () => {
    const server = await start({ HOSTS: "build.lan" });
    await server.serving;
    expect(await statusUnder(`127.0.0.1:${port}`)).toBe(200);
    expect(await statusUnder(`localhost:${port}`)).toBe(200);
    expect(await statusUnder("build.lan")).toBe(200);
    expect(await statusUnder("evil.example")).toBe(421);
  });

  it.each([["--help"], ["--state", "x"]])("prints its help for %s", async (...args) => {
    const server = await start({}, args);
    expect(await server.ended).toBe(args[0] === "--help" ? 0 : 2);
    expect(server.said()).toContain("Usage: npm start\n");
    expect(server.said()).toContain("NARGATE_STATE");
  });

  it("refuses a port that is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    const refused = await start();
    expect(await refused.ended).toBe(2);
    expect(refused.said()).toBe(
      `Cannot start:\n  port ${port} is in use; set PORT to another port\n`,
    );
    other.close();
  });

  it("refuses a PORT that is none", async () => {
    const refused = await start({ PORT: "http" });
    expect(await refused.ended).toBe(2);
    expect(refused.said()).toBe("Cannot start:\n  PORT must be a number from 0 to 65535\n");
  });

  it("takes the settings that one may want to try from the environment", async () => {
    const refused = await start({ PROVE: "all", ABSENT: "never" });
    expect(await refused.ended).toBe(2);
    expect(refused.said()).toMatch(/^ {2}PROVE is not one of .*$/m);
    expect(refused.said()).toMatch(/^ {2}ABSENT is not one of .*$/m);
  });

  it("refuses to share its bucket with another run", async () => {
    const server = await start();
    await server.serving;
    const refused = await start({ PORT: String(await findFreePort()) });
    expect(await refused.ended).toBe(2);
    expect(refused.said()).toBe(
      `Cannot start:\n  ${path.join(stateDirectory, "bucket")} is in use by another server; stop that server, or use another directory\n`,
    );
  });

  it("refuses half of another bucket's settings, naming all that is missing and no value", async () => {
    const refused = await start({ B2_KEY_ID: "0051a2b3c4d5e6f", B2_REGION: "us-east-005" });
    expect(await refused.ended).toBe(2);
    expect(refused.said()).toBe(
      [
        "Cannot start:",
        "  B2_ENDPOINT is not set",
        "  B2_BUCKET is not set",
        "  B2_PREFIX is not set",
        "  B2_APPLICATION_KEY is not set",
        "  TOKENS is not set",
        "B2_ settings are in the environment. Without any of them npm start uses a bucket on disk.",
        "",
      ].join("\n"),
    );
  });

  it("refuses settings that are wrong, naming each and no value", async () => {
    const refused = await start({
      B2_ENDPOINT: "http://s3.example.org/path",
      B2_REGION: "us-east-005",
      B2_BUCKET: "ai-dev-env",
      B2_PREFIX: "nix/../cache",
      B2_KEY_ID: "0051a2b3c4d5e6f",
      B2_APPLICATION_KEY: "two words",
      TOKENS: "not-json-but-secret",
    });
    expect(await refused.ended).toBe(2);
    for (const name of ["B2_ENDPOINT", "B2_PREFIX", "B2_APPLICATION_KEY", "TOKENS"]) {
      expect(refused.said()).toContain(`  ${name} `);
    }
    for (const value of ["example.org", "nix/..", "two words", "secret"]) {
      expect(refused.said()).not.toContain(value);
    }
  });

  it("runs against another S3 server, with TOKENS in place of the token for development", async () => {
    const b2 = await startFakeB2();
    const server = await start({
      B2_ENDPOINT: b2.endpoint,
      B2_REGION: b2.region,
      B2_BUCKET: b2.bucket,
      B2_PREFIX: "nix/cache/",
      B2_KEY_ID: b2.keyId,
      B2_APPLICATION_KEY: b2.secret,
      TOKENS,
    });
    await server.serving;
    expect(server.said()).toContain(
      `from the bucket ${b2.bucket}/nix/cache/ at ${b2.endpoint}\nand accepts the tokens in TOKENS.`,
    );
    expect(server.said()).not.toMatch(/push token|admin token|public key/);
    expect((await putLog(`nargate_${"0".repeat(52)}`, "refused")).status).toBe(401);
    expect((await putLog(PUSH_TOKEN, "building\n")).status).toBe(200);
    const stored = b2.server.store.bucket(b2.bucket)?.index.visible(`nix/cache${LOG_PATH}`);
    expect(stored?.sizeBytes).toBe(9);
    server.interrupt();
    expect(await server.ended).toBe(0);
    await b2.close();
  });

  it("runs what npm run deploy would deploy, from the same two files", async () => {
    const b2 = await startFakeB2();
    const config = path.join(stateDirectory, "wrangler.toml");
    const secrets = path.join(stateDirectory, "secrets.env");
    await writeFile(
      config,
      `name = "x"\n[vars]\nB2_ENDPOINT = "${b2.endpoint}"\nB2_REGION = "${b2.region}"\nB2_BUCKET = "${b2.bucket}"\nB2_PREFIX = "nix/cache/"\n`,
    );
    await writeFile(
      secrets,
      `B2_KEY_ID='${b2.keyId}'\nB2_APPLICATION_KEY='${b2.secret}'\nTOKENS='${TOKENS}'\n`,
    );
    const server = await start({}, ["--config", config, "--secrets-file", secrets]);
    await server.serving;
    expect((await putLog(PUSH_TOKEN, "building\n")).status).toBe(200);
    server.interrupt();
    expect(await server.ended).toBe(0);
    await b2.close();
  });

  it("refuses the placeholders of wrangler.toml, as npm run deploy does", async () => {
    const secrets = path.join(stateDirectory, "secrets.env");
    await writeFile(secrets, "B2_KEY_ID='a'\nB2_APPLICATION_KEY='b'\nTOKENS='[]'\n");
    const refused = await start({}, ["--secrets-file", secrets]);
    expect(await refused.ended).toBe(2);
    expect(refused.said()).toContain("  B2_BUCKET is still the placeholder");
  });

  it.each([[["--prot", "1"]], [["here"]], [["--config", "wrangler.toml"]]])(
    "refuses the arguments %j, and shows the help",
    async (args) => {
      const refused = await start({}, args);
      expect(await refused.ended).toBe(2);
      expect(refused.said()).toMatch(/^npm start: .+\n\nUsage: npm start\n/);
    },
  );
});
