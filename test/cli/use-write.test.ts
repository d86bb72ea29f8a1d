import {
  chmod,
  chown,
  mkdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { PUBLIC_KEY } from "../../testkit/node/gateway-facts.ts";
import { prepareUse, TRUSTED, UNTRUSTED } from "../../testkit/node/prepare-use.ts";

describe("nargate use --write", () => {
  it("makes a nix.conf, and changes nothing the second time", async () => {
    const { url, nixConf, run } = await prepareUse();
    const first = await run(["--write"]);
    const text = await readFile(nixConf, "utf8");
    expect(text).toBe(
      `extra-substituters = ${url}\nextra-trusted-public-keys = ${PUBLIC_KEY}\nfallback = true\n`,
    );
    expect(first).toEqual({
      code: 0,
      stdout: `${nixConf} now has these lines:\n  extra-substituters = ${url}\n  extra-trusted-public-keys = ${PUBLIC_KEY}\n  fallback = true\n`,
      stderr: "",
    });
    const before = await stat(nixConf);
    expect((await run(["--write"])).stdout).toBe(`${nixConf} already has the lines\n`);
    expect((await stat(nixConf)).ino).toBe(before.ino);
  });

  it("keeps the other lines, the mode, and the symlink to the file", async () => {
    const { home, url, nixConf, run } = await prepareUse();
    await mkdir(path.dirname(nixConf), { recursive: true });
    const target = path.join(home, "dotfiles.conf");
    await writeFile(target, "# mine\nsandbox = true\n");
    await chmod(target, 0o640);
    await symlink(target, nixConf);
    await run(["--write"]);
    expect(await readFile(target, "utf8")).toBe(
      `# mine\nsandbox = true\nextra-substituters = ${url}\nextra-trusted-public-keys = ${PUBLIC_KEY}\nfallback = true\n`,
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
    const { home, url, run } = await prepareUse();
    const absolute = value
      .split(":")
      .map((entry) => path.join(home, entry))
      .join(":");
    await run(["--write"], { [name]: absolute });
    expect(await readFile(path.join(home, file), "utf8")).toContain(url);
  });

  it("writes the file that --file names, relative to the current directory", async () => {
    const { home, url, run } = await prepareUse(UNTRUSTED);
    const { stderr } = await run(["--write", "--file", "etc/nix.conf"]);
    expect(await readFile(path.join(home, "etc/nix.conf"), "utf8")).toContain(url);
    // The system's nix.conf takes effect for every user, so there is no warning.
    expect(stderr).toBe("");
  });

  it("says that Nix does not use the file, where Nix says so", async () => {
    const { nixConf, run } = await prepareUse({ ...TRUSTED, own: {} });
    const { code, stderr } = await run(["--write"]);
    expect(code).toBe(0);
    expect(stderr).toContain(`Nix does not use ${nixConf}`);
  });

  it.skipIf(process.geteuid?.() !== 0)(
    "writes into the home that Nix uses, where HOME belongs to another user",
    async () => {
      const { home, nixConf, run } = await prepareUse();
      await chown(home, 12_345, 12_345);
      const { stdout } = await run(["--write", "--json"], { XDG_CONFIG_HOME: "" });
      const { file } = JSON.parse(stdout).nixConf as { file: string };
      await rm(file, { force: true });
      expect(file).toBe(path.join(userInfo().homedir, ".config/nix/nix.conf"));
      await expect(stat(nixConf)).rejects.toThrow("ENOENT");
    },
  );

  it("writes into nix.custom.conf where an installer keeps nix.conf for itself", async () => {
    const { home, url, nixConf, run } = await prepareUse();
    await mkdir(path.dirname(nixConf), { recursive: true });
    const kept = "# This file is overwritten by the installer.\n!include nix.custom.conf\n";
    await writeFile(nixConf, kept);
    await run(["--write"]);
    expect(await readFile(nixConf, "utf8")).toBe(kept);
    const custom = path.join(home, ".config/nix/nix.custom.conf");
    expect(await readFile(custom, "utf8")).toContain(url);
  });

  it("takes no key whose name would do something in nix.conf or in Nix", async () => {
    const bytes = PUBLIC_KEY.slice(PUBLIC_KEY.indexOf(":"));
    for (const name of ["a#b", 'a"b', "a${b}", "a;b", "a\\b"]) {
      const { nixConf, run } = await prepareUse(TRUSTED, { publicKeys: [name + bytes] });
      const { code, stderr } = await run(["--write"]);
      expect([name, code]).toEqual([name, 1]);
      expect(stderr).toContain("publicKeys");
      await expect(stat(nixConf)).rejects.toThrow("ENOENT");
    }
  });

  it("warns an untrusted user that it was for nothing", async () => {
    const { run } = await prepareUse(UNTRUSTED);
    const { code, stderr } = await run(["--write"]);
    expect(code).toBe(0);
    expect(stderr).toContain("The Nix daemon does not trust alice");
  });

  it("writes the token of a private cache for its owner alone, and names the netrc", async () => {
    const { home, nixConf, run } = await prepareUse(TRUSTED, { access: "token" });
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
    const { home, run } = await prepareUse(TRUSTED, { access: "token" });
    await mkdir(path.join(home, "etc"), { recursive: true });
    await writeFile(path.join(home, "etc/netrc"), "machine o.example login l password x\n");
    await run(["--write"], { NARGATE_TOKEN: "t" });
    const netrc = await readFile(path.join(home, ".config/nix/netrc"), "utf8");
    expect(netrc).toContain("machine o.example login l password x\n");
    expect(netrc).toContain("machine 127.0.0.1 login nargate password t\n");
  });

  it("names the netrc that Nix no longer reads, if it could not be copied", async () => {
    const { home, run } = await prepareUse(TRUSTED, { access: "token" });
    // A directory, because not even root can read it as a file.
    await mkdir(path.join(home, "etc/netrc"), { recursive: true });
    const { code, stderr } = await run(["--write"], { NARGATE_TOKEN: "t" });
    expect(code).toBe(0);
    expect(stderr).toContain(`and no longer ${home}/etc/netrc, which only root can read`);
  });

  it("takes others' rights from a netrc that everyone could read", async () => {
    const { home, run } = await prepareUse(TRUSTED, { access: "token" });
    const netrc = path.join(home, ".config/nix/netrc");
    await mkdir(path.dirname(netrc), { recursive: true });
    await writeFile(netrc, "machine o.example password x\n", { mode: 0o644 });
    await run(["--write"], { NARGATE_TOKEN: "t" });
    expect((await stat(netrc)).mode & 0o007).toBe(0);
    expect(await readFile(netrc, "utf8")).toContain("machine o.example password x\n");
  });

  it("puts the token into the netrc that nix.conf names", async () => {
    const { home, nixConf, run } = await prepareUse(TRUSTED, { access: "token" });
    const netrc = path.join(home, "elsewhere");
    await mkdir(path.dirname(nixConf), { recursive: true });
    await writeFile(nixConf, `netrc-file = ${netrc}\n`);
    await run(["--write"], { NARGATE_TOKEN: "t" });
    expect(await readFile(netrc, "utf8")).toBe("machine 127.0.0.1 login nargate password t\n");
    expect((await readFile(nixConf, "utf8")).match(/netrc-file/g)).toHaveLength(1);
  });

  it("does not name the netrc that Nix reads by default", async () => {
    const { home, run } = await prepareUse(TRUSTED, { access: "token" });
    await run(["--write", "--file", "etc/nix.conf"], { NARGATE_TOKEN: "t" });
    expect(await readFile(path.join(home, "etc/netrc"), "utf8")).toContain("password t\n");
    expect(await readFile(path.join(home, "etc/nix.conf"), "utf8")).not.toContain("netrc-file");
  });

  it("asks for the token of a private cache before it writes anything", async () => {
    const { nixConf, run } = await prepareUse(TRUSTED, { access: "token" });
    const { code, stderr } = await run(["--write"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^nargate: http\S+ is private: give a token with NARGATE_TOKEN or --token-file\n$/,
    );
    await expect(readFile(nixConf)).rejects.toThrow("ENOENT");
  });

  it("touches no file that NixOS makes, and shows its settings", async () => {
    const { home, url, run } = await prepareUse();
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
    const { home, url, nixConf, run } = await prepareUse();
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
    const { nixConf, run } = await prepareUse();
    await mkdir(path.join(path.dirname(nixConf), make), { recursive: true });
    const { code, stdout, stderr } = await run(["--write"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(new RegExp(`^nargate: ${line} ${nixConf}: E[A-Z_]+\\n$`));
  });

  it("prints JSON for a program", async () => {
    const { nixConf, run } = await prepareUse();
    const { stdout } = await run(["--write", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      trusted: true,
      nixConf: { file: nixConf, isChanged: true },
      netrc: null,
    });
  });
});
