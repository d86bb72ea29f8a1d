import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createActionJob, OWN_REPOSITORY } from "../../testkit/nix/action-job.ts";
import { addFakePrograms, SUDO, untrustedNix } from "../../testkit/nix/fake-programs.ts";
import { closureOf, createPusher } from "../../testkit/nix/gateway-clients.ts";
import {
  type LocalGateway,
  PUSH_TOKEN,
  READ_TOKEN,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { createNixMachine, hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addTexts } from "../../testkit/nix/nix-paths.ts";

const nixProgram = hasNix ? execFileSync("sh", ["-c", "command -v nix"]).toString().trim() : "";

describe.skipIf(!hasNix)("the action's substituter", () => {
  let gateway: LocalGateway;
  let lines: string;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    lines = `extra-substituters = ${gateway.url}\nextra-trusted-public-keys = ${gateway.publicKey}\n`;
  });
  afterAll(() => gateway.stop());

  async function createJob(options: {
    readonly inputs?: Readonly<Record<string, string>>;
    readonly env?: Readonly<Record<string, string>>;
    readonly userConf?: string;
    readonly scripts?: Readonly<Record<string, string>>;
  }) {
    const machine = await createNixMachine(gateway.directory);
    const programs = await addFakePrograms(machine, options.scripts ?? {});
    const inputs = { url: gateway.url, push: "false", ...options.inputs };
    const env = { PATH: programs.path, ...options.env };
    const job = await createActionJob(machine, { inputs, env });
    if (options.userConf !== undefined) {
      await mkdir(path.dirname(job.nixConf), { recursive: true });
      await writeFile(job.nixConf, options.userConf);
    }
    const systemConf = path.join(machine.directory, "conf/nix.conf");
    const effective = async (name: string) => {
      const { stdout } = await job.run(nixProgram, "show-config", "--json");
      return JSON.parse(stdout)[name].value;
    };
    return { machine, job, programs, systemConf, effective };
  }

  describe("of a trusted user", () => {
    it("goes into their own nix.conf, and out of it in the end", async () => {
      const userConf = "# mine\nmax-jobs = 3\n";
      const { job, effective } = await createJob({ userConf });
      const { stdout } = await job.main();
      expect(stdout).toContain(
        `nargate: Nix pulls from ${gateway.url} (added to ${job.nixConf})\n`,
      );
      expect(await readFile(job.nixConf, "utf8")).toBe(userConf + lines);
      expect(await effective("substituters")).toEqual([gateway.url]);
      expect(await effective("trusted-public-keys")).toEqual([gateway.publicKey]);
      await job.post();
      expect(await readFile(job.nixConf, "utf8")).toBe(userConf);
    });

    it("sends no token to a public cache, though the job has one that may push", async () => {
      // The gateway asks the bucket for every absent path of a reader that may push.
      const { job } = await createJob({ inputs: { token: PUSH_TOKEN } });
      await job.main();
      expect(await readFile(job.nixConf, "utf8")).toBe(lines);
      await job.post();
    });

    it("stays where it was before", async () => {
      const { job } = await createJob({ userConf: lines });
      const { stdout } = await job.main();
      expect(stdout).toContain(`${job.nixConf} already has the cache`);
      await job.post();
      expect(await readFile(job.nixConf, "utf8")).toBe(lines);
    });

    it("goes into NIX_CONFIG where that starts the list anew", async () => {
      const NIX_CONFIG = "substituters = https://other.example.org\nmax-jobs = 3";
      const { job, effective } = await createJob({ env: { NIX_CONFIG } });
      const { stdout } = await job.main();
      expect(stdout).toContain("added to NIX_CONFIG, which overrides");
      expect(await effective("substituters")).toEqual(["https://other.example.org", gateway.url]);
      expect(await effective("trusted-public-keys")).toContain(gateway.publicKey);
      expect(await effective("max-jobs")).toBe(3);
    });

    it("goes into NIX_CONFIG where their nix.conf is none", async () => {
      const { job, effective } = await createJob({ env: { NIX_USER_CONF_FILES: "/dev/null" } });
      const { stdout } = await job.main();
      expect(stdout).toContain(
        "added to NIX_CONFIG, because of this problem: cannot write /dev/null: it is not a regular file",
      );
      expect(await effective("substituters")).toEqual([gateway.url]);
      expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
    });

    it("goes into the first file of NIX_USER_CONF_FILES", async () => {
      const { machine, job, effective } = await createJob({});
      const file = path.join(machine.directory, "first.conf");
      const env = { NIX_USER_CONF_FILES: `${file}:/nonexistent/second.conf` };
      const other = await createActionJob(machine, {
        inputs: { url: gateway.url, push: "false" },
        env,
      });
      await other.main();
      expect(await readFile(file, "utf8")).toBe(lines);
      expect(await effective("substituters")).toEqual([]);
      expect(job.outputs).toEqual({});
    });

    it("is left out where the input says so", async () => {
      const { job } = await createJob({ userConf: "# mine\n", inputs: { substitute: "false" } });
      expect(await job.main()).toMatchObject({ code: 0 });
      expect(await readFile(job.nixConf, "utf8")).toBe("# mine\n");
    });
  });

  describe("of a user whom the daemon does not trust", () => {
    const scripts = { nix: untrustedNix(nixProgram), sudo: SUDO, systemctl: "exit 0" };

    it("goes into the daemon's nix.conf, and the daemon is restarted", async () => {
      const { job, programs, systemConf } = await createJob({ scripts });
      const before = await readFile(systemConf, "utf8");
      await chmod(systemConf, 0o640);
      const { stdout } = await job.main();
      expect(stdout).toContain(
        `added to ${systemConf}, and restarted the daemon (systemctl restart nix-daemon.service), because the Nix daemon does not trust`,
      );
      expect(await readFile(systemConf, "utf8")).toBe(before + lines);
      const calls = (await programs.calls()).filter((call) => /^(?:sudo|systemctl)/.test(call));
      expect(calls).toEqual([
        "sudo -n true",
        `sudo -n cat ${systemConf}`,
        `sudo -n cat ${systemConf}`,
        `sudo -n tee ${systemConf}`,
        "sudo -n systemctl restart nix-daemon.service",
        "systemctl restart nix-daemon.service",
      ]);
      await job.post();
      expect(await readFile(systemConf, "utf8")).toBe(before);
      expect((await stat(systemConf)).mode & 0o777).toBe(0o640);
    });

    it.each([
      { setting: "substituters", place: "already has the cache" },
      { setting: "trusted-substituters", place: "added to" },
    ])("needs no sudo where the daemon's $setting have it", async ({ setting, place }) => {
      const { job, systemConf } = await createJob({ scripts: { ...scripts, sudo: "exit 1" } });
      const before = await readFile(systemConf, "utf8");
      const known = `${setting} = ${gateway.url}\nextra-trusted-public-keys = ${gateway.publicKey}\n`;
      await writeFile(systemConf, before + known);
      const { stdout } = await job.main();
      expect(stdout).toContain(place);
      expect(stdout).not.toContain("::warning");
      expect(await readFile(systemConf, "utf8")).toBe(before + known);
    });

    it("goes into nix.custom.conf where an installer keeps nix.conf for itself", async () => {
      const { job, systemConf } = await createJob({ scripts });
      const main = `${await readFile(systemConf, "utf8")}!include nix.custom.conf\n`;
      await writeFile(systemConf, main);
      await job.main();
      const custom = path.join(path.dirname(systemConf), "nix.custom.conf");
      expect(await readFile(custom, "utf8")).toBe(lines);
      expect(await readFile(systemConf, "utf8")).toBe(main);
      await job.post();
      await expect(stat(custom)).rejects.toThrow("ENOENT");
    });

    it("is told what to add where there is no sudo", async () => {
      const { job, systemConf } = await createJob({ scripts: { ...scripts, sudo: "exit 1" } });
      const before = await readFile(systemConf, "utf8");
      const main = await job.main();
      expect(main.code).toBe(0);
      expect(main.stdout).toMatch(
        /::warning::nargate: Nix does not pull from .*this job cannot use sudo\. Put these lines into/,
      );
      expect(main.stdout).toContain(
        `extra-substituters = ${gateway.url}; extra-trusted-public-keys`,
      );
      expect(await readFile(systemConf, "utf8")).toBe(before);
    });

    it("is told where nothing restarts the daemon", async () => {
      const { job } = await createJob({ scripts: { ...scripts, systemctl: "exit 1" } });
      const { stdout } = await job.main();
      expect(stdout).toContain(
        "but the Nix daemon could not be restarted. Restart it in a step of this job",
      );
    });
  });
});

describe.skipIf(!hasNix)("the action with a private cache", () => {
  let gateway: LocalGateway;
  let storePath: string;
  let pusher: NixMachine;

  beforeAll(async () => {
    gateway = await startLocalGateway({ READ_ACCESS: "token" });
    pusher = await createPusher(gateway);
    storePath = await addBuilt(pusher, {
      name: "private",
      references: [await addTexts(pusher, "private-texts", 2)],
    });
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, storePath);
  });
  afterAll(() => gateway.stop());

  it("shows it the input token by a netrc of the job's own, which keeps what the other has", async () => {
    const machine = await createNixMachine(gateway.directory);
    const netrc = path.join(machine.directory, "home/netrc");
    await writeFile(netrc, "machine other.example.org password x\n", { mode: 0o600 });
    const job = await createActionJob(machine, { inputs: { url: gateway.url, token: READ_TOKEN } });
    const main = await job.main();
    expect(main).toMatchObject({ code: 0 });
    expect(main.stdout).toContain("the token reader may not push: its scopes are read");

    const [, own = ""] = /^netrc-file = (.*)$/m.exec(await readFile(job.nixConf, "utf8")) ?? [];
    expect(await readFile(own, "utf8")).toBe(
      `machine 127.0.0.1 login nargate password ${READ_TOKEN}\nmachine other.example.org password x\n`,
    );
    expect((await stat(own)).mode & 0o777).toBe(0o600);
    expect(await job.run("nix-store", "--realise", storePath)).toMatchObject({ code: 0 });
    expect(await closureOf(machine, storePath)).toEqual(await closureOf(pusher, storePath));
    await job.post();
    await expect(stat(own)).rejects.toThrow("ENOENT");
    expect(await readFile(netrc, "utf8")).toBe("machine other.example.org password x\n");
  });

  it("goes into the daemon's netrc, and out of it, where the user is not trusted", async () => {
    const machine = await createNixMachine(gateway.directory);
    const netrc = path.join(machine.directory, "home/netrc");
    const scripts = { nix: untrustedNix(nixProgram), sudo: SUDO, systemctl: "exit 0" };
    const { path: PATH } = await addFakePrograms(machine, scripts);
    const inputs = { url: gateway.url, token: READ_TOKEN };
    const job = await createActionJob(machine, { inputs, env: { PATH } });
    expect(await job.main()).toMatchObject({ code: 0 });
    expect(await readFile(netrc, "utf8")).toBe(
      `machine 127.0.0.1 login nargate password ${READ_TOKEN}\n`,
    );
    expect((await stat(netrc)).mode & 0o777).toBe(0o600);
    await job.post();
    await expect(stat(netrc)).rejects.toThrow("ENOENT");
  });

  it("is not read without the input token, and says why", async () => {
    const machine = await createNixMachine(gateway.directory);
    const job = await createActionJob(machine, { inputs: { url: gateway.url } });
    const main = await job.main();
    expect(main.code).toBe(0);
    expect(main.stdout).toContain(
      "which is private: set the input token. An OIDC token cannot be used to pull, because it expires before the job ends",
    );
  });

  it("gives the code of a fork no token", async () => {
    const machine = await createNixMachine(gateway.directory);
    const head = { repo: { id: 99, full_name: "mallory/octo-repo" } };
    const job = await createActionJob(machine, {
      inputs: { url: gateway.url, token: READ_TOKEN },
      eventName: "pull_request_target",
      payload: { pull_request: { head, base: { repo: OWN_REPOSITORY } } },
    });
    const main = await job.main();
    expect(main.code).toBe(0);
    expect(main.stdout).toContain(
      "the code of this job comes from mallory/octo-repo, a fork, which must not get a token",
    );
    await expect(stat(job.nixConf)).rejects.toThrow("ENOENT");
  });
});
