import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatFileNar } from "../../src/client/local-nix/format-file-nar.ts";
import { createFakeStore } from "../../testkit/node/fake-store.ts";
import { GATEWAY_FACTS } from "../../testkit/node/gateway-facts.ts";
import { runNargate } from "../../testkit/node/run-nargate.ts";
import { answerJson, serve } from "../../testkit/node/serve.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";

const STORE_PATH = `/nix/store/${"a".repeat(32)}-thing`;
const TOKEN_FACTS = { name: "ci", scopes: ["push"], expires: null };
const URL = ["--to", "http://127.0.0.1:9999"];

describe("nargate push, used wrongly", () => {
  it.each([
    {
      what: "nothing to push",
      args: [...URL],
      line: "nothing to push: name store paths, or use --stdin",
    },
    {
      what: "no cache",
      args: [STORE_PATH],
      line: "no cache is given: use --to URL, or set NARGATE_URL",
    },
    {
      what: "a path elsewhere",
      args: [...URL, "/etc/passwd"],
      line: "/etc/passwd is not in the store /nix/store",
    },
    {
      what: "a compression that is none",
      args: [...URL, "--compression", "xz", STORE_PATH],
      line: /'xz' is invalid/,
    },
    {
      what: "a level that is none",
      args: [...URL, "--compression-level", "20", STORE_PATH],
      line: /from 1 to 19/,
    },
    {
      what: "a key's name that is none",
      args: [...URL, "--upstream-key", ":x", STORE_PATH],
      line: /Give the name of a key, such as cache\.nixos\.org-1\./,
    },
    {
      what: "a secret key that is not there",
      args: [...URL, "--sign-key", "absent", STORE_PATH],
      line: "cannot read --sign-key absent: there is no such file",
    },
    {
      what: "an unknown option",
      args: [...URL, "--wrong", STORE_PATH],
      line: /unknown option '--wrong'/,
    },
  ])("says in one line that there is $what, and exits with 2", async ({ args, line }) => {
    const { code, stdout, stderr } = await runNargate(["push", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^nargate: [^\n]*\n$/);
    expect(stderr).toMatch(line);
  });

  it.each([
    { args: ["--stdin", "--sign-key", "-"], both: "--stdin and --sign-key -" },
    {
      args: ["--stdin", "--token-file", "/dev/stdin"],
      both: "--stdin and --token-file /dev/stdin",
    },
    {
      args: ["--sign-key", "/dev/fd/0", "--token-file", "-", STORE_PATH],
      both: "--sign-key /dev/fd/0 and --token-file -",
    },
  ])("refuses $both, which both read standard input", async ({ args, both }) => {
    const { code, stderr } = await runNargate(["push", ...URL, ...args]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `nargate: ${both} all read standard input, which can be read only once. Give one of them another file, such as <(command)\n`,
    );
  });

  it("never shows a secret key that is malformed", async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, "key"), "own-1:c2VjcmV0");
    const args = ["push", ...URL, "--sign-key", "key", STORE_PATH];
    const { code, stderr } = await runNargate(args, { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^nargate: --sign-key key is not a Nix secret key/);
    expect(stderr).not.toContain("c2VjcmV0");
  });

  it("shows examples in its help", async () => {
    for (const command of ["push", "watch-exec"]) {
      const { code, stdout } = await runNargate([command, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`Examples:\n  n`);
    }
  });
});

describe("nargate push, before anything is pushed", () => {
  const env = { NARGATE_TOKEN: "secret", PATH: "/nonexistent" };

  it("says that it has no token", async () => {
    const { code, stderr } = await runNargate(["push", ...URL, STORE_PATH]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nargate: no token for 127\.0\.0\.1: set NARGATE_TOKEN, .*\n$/);
  });

  it.each([
    {
      what: "takes no uploads",
      cache: { uploads: false },
      scopes: ["push"],
      code: 1,
      line: "this cache does not accept pushes. Ask its operator to check the settings for pushing (TOKENS, OIDC_TRUST)",
    },
    {
      what: "is for another store",
      cache: { storeDir: "/gnu/store" },
      scopes: ["push"],
      code: 2,
      line: "this cache is for the store directory /gnu/store, but the store uses /nix/store. Use another cache, or another --store",
    },
    {
      what: "lets the token only read",
      cache: {},
      scopes: ["read"],
      code: 1,
      line: "the token ci from NARGATE_TOKEN may not push: its scopes are read. Use a token with the scope push",
    },
  ])("says that the cache $what", async ({ cache, scopes, code, line }) => {
    const url = await serve((request, response) => {
      const isCache = request.url === "/api/v1/cache";
      answerJson(
        response,
        isCache ? { ...GATEWAY_FACTS, ...cache } : { name: "ci", scopes, expires: null },
      );
    });
    const result = await runNargate(["push", "--to", url, STORE_PATH], { env });
    expect(result).toEqual({ code, stdout: "", stderr: `nargate: ${line}\n` });
  });

  it("says that the server is not a Nargate cache", async () => {
    const url = await serve((_request, response) => void response.writeHead(404).end("no"));
    const { code, stderr } = await runNargate(["push", "--to", url, STORE_PATH], { env });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `nargate: ${url} does not look like a Nargate cache (GET api/v1/cache returned 404)\n`,
    );
  });

  it("says that Nix is not there", async () => {
    const url = await serve((request, response) => {
      const isCache = request.url === "/api/v1/cache";
      answerJson(response, isCache ? GATEWAY_FACTS : TOKEN_FACTS);
    });
    const { code, stderr } = await runNargate(["push", "--to", url, STORE_PATH], { env });
    expect(code).toBe(1);
    expect(stderr).toBe("nargate: nix-store is not on the PATH; install Nix\n");
  });
});

describe("nargate push to a gateway that stops answering well", () => {
  it.each([
    { what: "refuses the token", status: 401, text: "This token has expired." },
    { what: "forbids it", status: 403, text: "No." },
  ])("stops at once when the gateway $what in the middle", async ({ status, text }) => {
    const { env, cwd, top } = await createFakeStore();
    let writes = 0;
    const url = await serve((request, response) => {
      request.resume();
      if (request.url === "/api/v1/cache") answerJson(response, GATEWAY_FACTS);
      else if (request.url === "/api/v1/token") answerJson(response, TOKEN_FACTS);
      else if (request.method !== "PUT") response.writeHead(404).end();
      else if (++writes <= 20) response.writeHead(200).end();
      else response.writeHead(status).end(`${text}\n`);
    });
    const { code, stdout, stderr } = await runNargate(["push", "--to", url, "--json", top], {
      env,
      cwd,
    });
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.failed).toEqual([]);
    expect(report.stopped).toContain(`${status} ${text}`);
    expect(report.pushed.length + report.untried.length).toBe(100);
    expect(report.untried).toContain(top);
    expect(stderr.split("\n").filter((line) => line.includes(text))).toHaveLength(1);
    // Started paths ended, and no further path started. All paths would take 300 writes: a
    // NAR, a listing and a narinfo each.
    expect(writes).toBeLessThan(120);
  });

  it("stops soon when the gateway is out of order", async () => {
    const { env, cwd, top } = await createFakeStore();
    const url = await serve((request, response) => {
      request.resume();
      if (request.url === "/api/v1/cache") answerJson(response, GATEWAY_FACTS);
      else if (request.url === "/api/v1/token") answerJson(response, TOKEN_FACTS);
      else response.writeHead(503).end("Come back later.\n");
    });
    const { code, stdout } = await runNargate(["push", "--to", url, "--json", top], { env, cwd });
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.failed).toHaveLength(2);
    expect(report.untried).toHaveLength(98);
    expect(report.stopped).toContain("503 Come back later.");
  });

  it("stops soon when the gateway does not answer any more", async () => {
    const { env, cwd, top } = await createFakeStore();
    const url = await serve((request, response) => {
      request.resume();
      if (request.url === "/api/v1/cache") answerJson(response, GATEWAY_FACTS);
      else if (request.url === "/api/v1/token") answerJson(response, TOKEN_FACTS);
      else if (request.method === "PUT") request.socket.destroy();
      else response.writeHead(404).end();
    });
    const { code, stdout } = await runNargate(["push", "--to", url, "--json", top], { env, cwd });
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.failed).toHaveLength(2);
    expect(report.untried).toHaveLength(98);
    expect(report.stopped).toContain("cannot reach 127.0.0.1");
  });
});

describe("nargate watch-exec", () => {
  it("runs the command without Nix on the PATH, and says so", async () => {
    const { env, cwd } = await createFakeStore();
    const url = await serve((request, response) => {
      if (request.url === "/api/v1/cache") answerJson(response, GATEWAY_FACTS);
      else answerJson(response, TOKEN_FACTS);
    });
    for (const program of ["nix", "nix-store"]) await rm(join(cwd, "bin", program));
    const withoutNix = { ...env, PATH: `${cwd}/bin:/usr/sbin` };
    const args = ["watch-exec", "--to", url, "--", process.execPath, "-e", "process.exit(7)"];
    const { code, stderr } = await runNargate(args, { env: withoutNix, cwd });
    expect(code).toBe(7);
    expect(stderr).toBe(
      "nargate: warning: cannot push: nix-store is not on the PATH; install Nix\n",
    );
  });

  it("pushes in the end what it could not while the gateway was out of order", async () => {
    const { env, cwd } = await createFakeStore();
    const file = join(cwd, "infos.json");
    const nar = formatFileNar("new");
    const narHash = `sha256-${createHash("sha256").update(nar).digest("base64")}`;
    const narSize = nar.byteLength;
    const infos = JSON.parse(await readFile(file, "utf8")) as Record<string, object>;
    const added = `${"0".repeat(32)}-new`;
    await writeFile(
      file,
      JSON.stringify({
        ...infos,
        [`/nix/store/${added}`]: { narHash, narSize, references: [] },
      }),
    );
    // Six attempts for each of the 32 paths that are looked up at once.
    let refusals = 6 * 32;
    const url = await serve((request, response) => {
      request.resume();
      if (request.url === "/api/v1/cache") answerJson(response, GATEWAY_FACTS);
      else if (request.url === "/api/v1/token") answerJson(response, TOKEN_FACTS);
      else if (refusals-- > 0) response.writeHead(503).end("Come back later.\n");
      else response.writeHead(request.method === "PUT" ? 200 : 404).end();
    });
    const build = `printf new > nix/store/${added}; sleep 3`;
    const args = ["watch-exec", "--to", url, "--json", "--", "sh", "-c", build];
    const { code, stdout, stderr } = await runNargate(args, { env, cwd });
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ failed: [], untried: [], stopped: null });
    expect(report.pushed).toHaveLength(101);
    expect(stderr).toContain("503 Come back later.");
  }, 20_000);
});
