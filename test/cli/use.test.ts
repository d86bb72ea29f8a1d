import { chmod, mkdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { GatewayFacts } from "../../src/client/gateway/gateway-facts.ts";
import { createFakeNix, type FakeNixOptions } from "../../testkit/node/fake-nix.ts";
import { GATEWAY_FACTS, PUBLIC_KEY } from "../../testkit/node/gateway-facts.ts";
import { runNargate } from "../../testkit/node/run-nargate.ts";
import { answerJson, serve } from "../../testkit/node/serve.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";

const TRUSTED: FakeNixOptions = { store: { url: "daemon", trusted: true } };
const UNTRUSTED: FakeNixOptions = { store: { url: "daemon", trusted: false } };

/** Prepares a user with a home, and a cache. */
async function prepare(nix: FakeNixOptions = TRUSTED, facts: Partial<GatewayFacts> = {}) {
  const home = await temporaryDirectory();
  const PATH = await createFakeNix(home, nix);
  const url = await serve((request, response) => {
    if (request.url === "/api/v1/cache") answerJson(response, { ...GATEWAY_FACTS, ...facts });
    else answerJson(response, { name: "ci", scopes: ["read"], expires: null });
  });
  const env = { PATH, HOME: home, NIX_CONF_DIR: path.join(home, "etc") };
  const nixConf = path.join(home, ".config/nix/nix.conf");
  return {
    home,
    url,
    nixConf,
    run: (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
      runNargate(["use", url, ...args], { env: { ...env, ...more }, cwd: home }),
  };
}

describe("nargate use", () => {
  it("prints the lines for nix.conf on standard output, and nothing else there", async () => {
    const { url, run } = await prepare();
    const { code, stdout } = await run([]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      `extra-substituters = ${url}\nextra-trusted-public-keys = ${PUBLIC_KEY}\nfallback = true\n`,
    );
  });

  it("says where the lines belong, and that they work in a trusted user's own file", async () => {
    const { home, nixConf, run } = await prepare();
    const { stderr } = await run([]);
    expect(stderr).toContain(
      `put these lines into ${home}/etc/nix.conf (on NixOS into nix.settings)`,
    );
    expect(stderr).toContain(
      `The Nix daemon trusts alice, so these lines also work in ${nixConf}. Use --write to put them there.`,
    );
  });

  it("says that the daemon ignores what an untrusted user sets", async () => {
    const { home, nixConf, run } = await prepare(UNTRUSTED);
    expect((await run([])).stderr).toContain(
      `The Nix daemon does not trust alice, so it ignores these lines in ${nixConf}. Put them into ${home}/etc/nix.conf, or add alice to trusted-users there, as root.`,
    );
  });

  it("says that there is no Nix to ask", async () => {
    const { home, run } = await prepare();
    const { code, stderr } = await run([], { PATH: home });
    expect(code).toBe(0);
    expect(stderr).toContain(
      "Cannot ask Nix on this machine (nix is not on the PATH; install Nix).",
    );
  });

  it("shows what a private cache needs in netrc, and never the token", async () => {
    const { home, run } = await prepare(TRUSTED, { access: "token" });
    const { stdout, stderr } = await run([], { NARGATE_TOKEN: "the-secret-token" });
    expect(stderr).toContain(
      `reads the token only from ${home}/etc/netrc, not from your own netrc file. Put this line into that file (mode 600):`,
    );
    expect(stderr).toContain("machine 127.0.0.1 login nargate password <token>");
    expect(stdout + stderr).not.toContain("the-secret-token");
  });

  it("says that no key is published", async () => {
    const { run } = await prepare(TRUSTED, { publicKeys: [] });
    const { stdout, stderr } = await run([]);
    expect(stdout).not.toContain("trusted-public-keys");
    expect(stderr).toContain(
      "does not publish its public key, so Nix refuses most of its paths. Ask its operator to set PUBLIC_KEYS or SIGNING_KEY.",
    );
  });

  it("says that nix.conf has another key of the same name", async () => {
    const own = { "trusted-public-keys": ["cache.nixos.org-1:AAAA"] };
    const { run } = await prepare({ ...TRUSTED, own });
    expect((await run([])).stderr).toContain(
      "nix.conf has another key with the name cache.nixos.org-1, and Nix uses only one key of a name. Remove the old key.",
    );
  });

  it("prints JSON for a program", async () => {
    const { url, run } = await prepare(UNTRUSTED);
    const { stdout, stderr } = await run(["--json"]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      url,
      access: "public",
      settings: {
        "extra-substituters": [url],
        "extra-trusted-public-keys": [PUBLIC_KEY],
        fallback: true,
      },
      trusted: false,
      nixConf: null,
      netrc: null,
    });
  });
});

describe("nargate use --write", () => {
  it("makes a nix.conf, and changes nothing the second time", async () => {
    const { url, nixConf, run } = await prepare();
    const first = await run(["--write"]);
    const text = await readFile(nixConf, "utf8");
    expect(text).toBe(`extra-substituters = ${url}\nextra-trusted-public-keys = ${PUBLIC_KEY}\n`);
    expect(first).toEqual({
      code: 0,
      stdout: `${nixConf} now has these lines:\n  extra-substituters = ${url}\n  extra-trusted-public-keys = ${PUBLIC_KEY}\n`,
      stderr: "",
    });
    const before = await stat(nixConf);
    expect((await run(["--write"])).stdout).toBe(`${nixConf} already has the lines\n`);
    expect((await stat(nixConf)).ino).toBe(before.ino);
  });

  it("keeps the other lines, the mode, and the symlink to the file", async () => {
    const { home, url, nixConf, run } = await prepare();
    await mkdir(path.dirname(nixConf), { recursive: true });
    const target = path.join(home, "dotfiles.conf");
    await writeFile(target, "# mine\nsandbox = true\n");
    await chmod(target, 0o640);
    await symlink(target, nixConf);
    await run(["--write"]);
    expect(await readFile(target, "utf8")).toBe(
      `# mine\nsandbox = true\nextra-substituters = ${url}\nextra-trusted-public-keys = ${PUBLIC_KEY}\n`,
    );
    expect((await stat(target)).mode & 0o777).toBe(0o640);
    expect(await readlink(nixConf)).toBe(target);
  });

  it.each([
    {
      what: "the first of NIX_USER_CONF_FILES",
      name: "NIX_USER_CONF_FILES",
      value: "a.conf:b.conf",
      file: "a.conf",
    },
    { what: "XDG_CONFIG_HOME", name: "XDG_CONFIG_HOME", value: "xdg", file: "xdg/nix/nix.conf" },
  ])("writes the file of $what", async ({ name, value, file }) => {
    const { home, url, run } = await prepare();
    const absolute = value
      .split(":")
      .map((entry) => path.join(home, entry))
      .join(":");
    await run(["--write"], { [name]: absolute });
    expect(await readFile(path.join(home, file), "utf8")).toContain(url);
  });

  it("writes the file that --file names, relative to the current directory", async () => {
    const { home, url, run } = await prepare(UNTRUSTED);
    const { stderr } = await run(["--write", "--file", "etc/nix.conf"]);
    expect(await readFile(path.join(home, "etc/nix.conf"), "utf8")).toContain(url);
    // The system's nix.conf takes effect for every user, so there is no warning.
    expect(stderr).toBe("");
  });

  it("warns an untrusted user that it was for nothing", async () => {
    const { run } = await prepare(UNTRUSTED);
    const { code, stderr } = await run(["--write"]);
    expect(code).toBe(0);
    expect(stderr).toContain("The Nix daemon does not trust alice");
  });

  it("writes the token of a private cache for its owner alone, and names the netrc", async () => {
    const { home, nixConf, run } = await prepare(TRUSTED, { access: "token" });
    const netrc = path.join(home, ".config/nix/netrc");
    const env = { NARGATE_TOKEN: "the-secret-token" };
    const { stdout, stderr } = await run(["--write"], env);
    expect(await readFile(netrc, "utf8")).toBe(
      "machine 127.0.0.1 login nargate password the-secret-token\n",
    );
    expect((await stat(netrc)).mode & 0o777).toBe(0o600);
    expect(await readFile(nixConf, "utf8")).toContain(`netrc-file = ${netrc}\n`);
    expect(stdout).toContain(`Added the token to ${netrc}\n`);
    expect(stdout + stderr).not.toContain("the-secret-token");
    const text = await readFile(nixConf, "utf8");
    expect((await run(["--write"], env)).stdout).toContain(`${netrc} already has the token\n`);
    expect(await readFile(nixConf, "utf8")).toBe(text);
  });

  it("keeps what the system's netrc has for other caches, since Nix reads one alone", async () => {
    const { home, run } = await prepare(TRUSTED, { access: "token" });
    await mkdir(path.join(home, "etc"), { recursive: true });
    await writeFile(path.join(home, "etc/netrc"), "machine o.example login l password x\n");
    await run(["--write"], { NARGATE_TOKEN: "t" });
    const netrc = await readFile(path.join(home, ".config/nix/netrc"), "utf8");
    expect(netrc).toContain("machine o.example login l password x\n");
    expect(netrc).toContain("machine 127.0.0.1 login nargate password t\n");
  });

  it("names the netrc that Nix no longer reads, if it could not be copied", async () => {
    const { home, run } = await prepare(TRUSTED, { access: "token" });
    // A directory, because not even root can read it as a file.
    await mkdir(path.join(home, "etc/netrc"), { recursive: true });
    const { code, stderr } = await run(["--write"], { NARGATE_TOKEN: "t" });
    expect(code).toBe(0);
    expect(stderr).toContain(`and no longer ${home}/etc/netrc, which only root can read`);
  });

  it("takes others' rights from a netrc that everyone could read", async () => {
    const { home, run } = await prepare(TRUSTED, { access: "token" });
    const netrc = path.join(home, ".config/nix/netrc");
    await mkdir(path.dirname(netrc), { recursive: true });
    await writeFile(netrc, "machine o.example password x\n", { mode: 0o644 });
    await run(["--write"], { NARGATE_TOKEN: "t" });
    expect((await stat(netrc)).mode & 0o007).toBe(0);
    expect(await readFile(netrc, "utf8")).toContain("machine o.example password x\n");
  });

  it("puts the token into the netrc that nix.conf names", async () => {
    const { home, nixConf, run } = await prepare(TRUSTED, { access: "token" });
    const netrc = path.join(home, "elsewhere");
    await mkdir(path.dirname(nixConf), { recursive: true });
    await writeFile(nixConf, `netrc-file = ${netrc}\n`);
    await run(["--write"], { NARGATE_TOKEN: "t" });
    expect(await readFile(netrc, "utf8")).toBe("machine 127.0.0.1 login nargate password t\n");
    expect((await readFile(nixConf, "utf8")).match(/netrc-file/g)).toHaveLength(1);
  });

  it("does not name the netrc that Nix reads by default", async () => {
    const { home, run } = await prepare(TRUSTED, { access: "token" });
    await run(["--write", "--file", "etc/nix.conf"], { NARGATE_TOKEN: "t" });
    expect(await readFile(path.join(home, "etc/netrc"), "utf8")).toContain("password t\n");
    expect(await readFile(path.join(home, "etc/nix.conf"), "utf8")).not.toContain("netrc-file");
  });

  it("asks for the token of a private cache before it writes anything", async () => {
    const { nixConf, run } = await prepare(TRUSTED, { access: "token" });
    const { code, stderr } = await run(["--write"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^nargate: http\S+ is private: give a token with NARGATE_TOKEN or --token-file\n$/,
    );
    await expect(readFile(nixConf)).rejects.toThrow("ENOENT");
  });

  it("touches no file that NixOS makes, and shows its settings", async () => {
    const { home, url, run } = await prepare();
    await mkdir(path.join(home, "etc"));
    const made = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-nix.conf";
    await symlink(made, path.join(home, "etc/nix.conf"));
    const { code, stdout, stderr } = await run(["--write", "--file", "etc/nix.conf"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      `nargate: NixOS or home-manager makes ${home}/etc/nix.conf. Put this into its configuration: ` +
        `nix.settings.extra-substituters = [ "${url}" ]; nix.settings.extra-trusted-public-keys = [ "${PUBLIC_KEY}" ];\n`,
    );
  });

  it("makes the file that a link names and that is not there yet", async () => {
    const { home, url, nixConf, run } = await prepare();
    await mkdir(path.dirname(nixConf), { recursive: true });
    await symlink("../../dotfiles.conf", nixConf);
    await run(["--write"]);
    expect(await readFile(path.join(home, "dotfiles.conf"), "utf8")).toContain(url);
    expect(await readlink(nixConf)).toBe("../../dotfiles.conf");
  });

  it.each([
    { what: "read", make: "nix.conf", line: "cannot read" },
    { what: "write", make: "nix.conf.nargate-new", line: "cannot write" },
  ])("says in one line what it cannot $what", async ({ make, line }) => {
    const { nixConf, run } = await prepare();
    await mkdir(path.join(path.dirname(nixConf), make), { recursive: true });
    const { code, stdout, stderr } = await run(["--write"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(new RegExp(`^nargate: ${line} ${nixConf}: E[A-Z_]+\\n$`));
  });

  it("prints JSON for a program", async () => {
    const { nixConf, run } = await prepare();
    const { stdout } = await run(["--write", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      trusted: true,
      nixConf: { file: nixConf, isChanged: true },
      netrc: null,
    });
  });
});
