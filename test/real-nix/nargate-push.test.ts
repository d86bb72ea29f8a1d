import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { generateSecretKey } from "../../src/nix/signature.ts";
import {
  closureOf,
  createPuller,
  createPusher,
  verifyStore,
} from "../../testkit/nix/gateway-clients.ts";
import {
  findFreePort,
  type LocalGateway,
  publicKeyOfSecret,
  READ_TOKEN,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { createNargate, type NargateCommand } from "../../testkit/nix/nargate-command.ts";
import { canBuild, hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import {
  addBuilt,
  addDirectory,
  addNoise,
  addTexts,
  hashPart,
} from "../../testkit/nix/nix-paths.ts";

const MB = 1024 * 1024;

/** The names, without the hash, of the paths that were pushed, by the output of --json. */
function pushedNames(json: string): readonly string[] {
  const { pushed } = JSON.parse(json) as { pushed: readonly { path: string }[] };
  return pushed.map((one) => one.path.slice(44)).toSorted();
}

describe.skipIf(!hasNix)("nargate push", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;
  let nargate: NargateCommand;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    pusher = await createPusher(gateway);
    nargate = await createNargate(pusher, gateway);
  });
  afterAll(() => gateway.stop());

  async function addClosure(name: string): Promise<string> {
    const texts = await addTexts(pusher, `${name}-texts`, 20);
    const tree = await addDirectory(pusher, `${name}-tree`, { "bin/x": "#!/bin/sh\n", empty: "" });
    const library = await addBuilt(pusher, { name: `${name}-library`, references: [texts, tree] });
    return await addBuilt(pusher, { name, references: [library, tree] });
  }

  async function expectPullable(storePath: string, machine: NixMachine = pusher) {
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", storePath);
    await verifyStore(puller);
    expect(await closureOf(puller, storePath)).toEqual(await closureOf(machine, storePath));
  }

  const putsOf = (pattern: RegExp) =>
    gateway.bucket.requests({ method: "PUT" }).filter(({ key }) => pattern.test(key));

  it("carries a NAR of 40 MB in one PUT past the gateway, which reads nothing back", async () => {
    const noise = await addNoise(pusher, "noise-40-mb", 40 * MB);
    const closure = await addClosure("carried");
    const top = await addBuilt(pusher, { name: "carried-top", references: [noise, closure] });
    gateway.bucket.forgetRequests();
    const { stdout, stderr } = await nargate.run("push", "--json", top);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ skipped: [], failed: [], stopped: null });
    expect(report.pushed).toHaveLength(26);
    expect(stderr).toContain("26 paths pushed");
    const incoming = putsOf(/\.incoming\/[^/]*[1-9]/).filter(({ bytesIn }) => bytesIn > MB);
    expect(incoming.map(({ operation }) => operation)).toEqual(["PutObject"]);
    expect(putsOf(/cache\/nar\//).filter(({ bytesIn }) => bytesIn > MB)).toEqual([]);
    const reads = gateway.bucket.requests({ operation: "GetObject" });
    expect(reads.filter(({ key }) => key.includes(".incoming/"))).toEqual([]);
    await expectPullable(top);
  });

  it("sends nothing the second time", async () => {
    const top = await addClosure("twice");
    await nargate.run("push", top);
    const before = gateway.bucket.versions();
    gateway.bucket.forgetRequests();
    const { stdout } = await nargate.run("push", "--json", top);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ pushed: [], failed: [], bytes: 0 });
    expect(report.skipped).toHaveLength(24);
    expect(new Set(report.skipped.map(({ reason }: { reason: string }) => reason))).toEqual(
      new Set(["in the cache"]),
    );
    expect(gateway.bucket.versions()).toEqual(before);
    expect(gateway.bucket.requests({ method: "PUT" })).toEqual([]);
  });

  it("finds paths by links, in files, and on standard input", async () => {
    const [one, two, three] = [
      await addClosure("linked"),
      await addClosure("in-it"),
      await addClosure("listed"),
    ];
    await pusher.run("ln", "-s", one, path.join(pusher.directory, "result"));
    await nargate.feed(`\n${three}\n`, "push", "--stdin", "./result", `${two}/share/x`);
    for (const top of [one, two, three]) await expectPullable(top);
  });

  it.skipIf(!canBuild())("pushes derivations, and all that they need and made", async () => {
    const file = path.join(pusher.directory, "drv-roots.nix");
    await writeFile(
      file,
      `let build = name: needs: derivation {
        inherit name needs;
        system = builtins.currentSystem;
        builder = "/bin/sh";
        args = [ "-c" "echo $needs > $out" ];
      }; in build "drv-top" (build "drv-dependency" "")`,
    );
    const derivation = await pusher.run("nix-instantiate", file);
    const alone = await nargate.run("push", "--json", derivation);
    expect(pushedNames(alone.stdout)).toEqual(["drv-dependency.drv", "drv-top.drv"]);
    await pusher.run("nix-store", "--realise", derivation);
    const all = await pusher.run("nix-store", "-qR", "--include-outputs", derivation);
    const rest = await nargate.feed(`${all}\n`, "push", "--json", "--stdin");
    expect(pushedNames(rest)).toEqual(["drv-dependency", "drv-top"]);
  });

  it("leaves out what an upstream key signed, unless everything is wanted", async () => {
    const secret = await generateSecretKey("upstream-1");
    const keyFile = path.join(pusher.directory, "upstream.secret");
    await writeFile(keyFile, secret);
    const library = await addBuilt(pusher, { name: "upstream-library" });
    await pusher.run("nix", "store", "sign", "--key-file", keyFile, library);
    const top = await addBuilt(pusher, { name: "own-program", references: [library] });
    const first = await nargate.run("push", "--json", "--upstream-key", "upstream-1", top);
    expect(JSON.parse(first.stdout)).toMatchObject({
      pushed: [{ path: top }],
      skipped: [{ path: library, reason: "signed by upstream-1" }],
    });
    const all = await nargate.run("push", "--json", "--all", top);
    expect(JSON.parse(all.stdout).pushed).toMatchObject([{ path: library }]);
    const narinfo = await fetch(`${gateway.url}/${hashPart(library)}.narinfo`);
    expect(await narinfo.text()).toContain("Sig: upstream-1:");
  });

  it("signs what it publishes, and what is published without its signature", async () => {
    const secret = await generateSecretKey("own-1");
    const keyFile = path.join(pusher.directory, "own.secret");
    await writeFile(keyFile, secret);
    const old = await addBuilt(pusher, { name: "signed-late" });
    await nargate.run("push", old);
    const top = await addBuilt(pusher, { name: "signed-at-once", references: [old] });
    const signing = await nargate.run("push", "--json", "--sign-key", keyFile, top);
    expect(JSON.parse(signing.stdout)).toMatchObject({
      pushed: [{ path: top }],
      skipped: [{ path: old, reason: "in the cache; now signed by own-1" }],
    });
    const puller = await createPuller(gateway, { trustedPublicKeys: [publicKeyOfSecret(secret)] });
    await puller.run("nix-store", "--realise", top);
    const again = await nargate.run("push", "--json", "--sign-key", keyFile, top);
    expect(
      JSON.parse(again.stdout).skipped.map(({ reason }: { reason: string }) => reason),
    ).toEqual(["in the cache", "in the cache"]);
  });

  it("publishes all that does not need the one that fails", async () => {
    const bad = await addBuilt(pusher, { name: "fated" });
    const good = await addBuilt(pusher, { name: "fortunate" });
    const top = await addBuilt(pusher, { name: "needs-both", references: [bad, good] });
    gateway.faults.add({
      match: { method: "PUT", keyPattern: `${hashPart(bad)}\\.narinfo$` },
      effect: { status: 400, code: "InvalidRequest" },
    });
    const { code, stdout, stderr } = await nargate.attempt("push", "--json", top);
    gateway.faults.clear();
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.pushed).toMatchObject([{ path: good }]);
    expect(report.failed.map((one: { path: string }) => one.path)).toEqual([bad, top]);
    expect(report.failed[1].message).toBe(
      `not published, because it needs ${path.basename(bad)}, which failed`,
    );
    expect(stderr).toContain("1 path pushed");
    expect(stderr).toContain("2 failed");
    await expectPullable(good);
    const again = await nargate.run("push", "--json", top);
    // Tiny NARs are sent without a question whether they are stored.
    expect(JSON.parse(again.stdout).bytes).toBeLessThan(1000);
    await expectPullable(top);
  });

  it("tells of a path whose files are not what the store's database says", async () => {
    const spoilt = await addBuilt(pusher, { name: "spoilt" });
    const file = path.join(pusher.storeDirectory, path.basename(spoilt));
    await pusher.run("chmod", "u+w", file);
    await writeFile(file, "something else\n");
    const { code, stderr } = await nargate.attempt("push", spoilt);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /failed \S+-spoilt: the files of this path differ from the store's database/,
    );
    expect((await fetch(`${gateway.url}/${hashPart(spoilt)}.narinfo`)).status).toBe(404);
  });

  it.each([
    {
      what: "a wrong token",
      token: "nonsense",
      line: /^nargate: the cache refused the token from \S+: .*\n$/,
    },
    {
      what: "a token that may only read",
      token: READ_TOKEN,
      line: /^nargate: the token reader from \S+ may not push: .*\n$/,
    },
  ])("says in one line that $what will not do", async ({ token, line }) => {
    const machine = await createPusher(gateway);
    const top = await addTexts(machine, "unwelcome", 1);
    const command = await createNargate(machine, gateway, token);
    const { code, stdout, stderr } = await command.attempt("push", top);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(line);
  });

  it.skipIf(!canBuild())("sends build logs with --logs, where there are some", async () => {
    const file = path.join(pusher.directory, "logged.nix");
    await writeFile(
      file,
      `derivation {
        name = "logged"; system = builtins.currentSystem; builder = "/bin/sh";
        args = [ "-c" "echo this is the log; echo > $out" ];
      }`,
    );
    const built = await pusher.run("nix-build", "--no-out-link", file);
    const { stdout, stderr } = await nargate.run("push", "--json", "--logs", built);
    expect(JSON.parse(stdout).pushed).toMatchObject([{ log: true }]);
    expect(stderr).toContain("1 path pushed");
    expect(stderr).toContain("1 build log");
    const puller = await createPuller(gateway);
    expect(await puller.run("nix", "log", "--store", gateway.url, built)).toBe("this is the log");
  });

  it("warns of paths that no client will accept, counts them, and ls calls them unusable", async () => {
    const silent = await startLocalGateway({ SIGNING_KEY: "", PUBLIC_KEYS: gateway.publicKey });
    try {
      const machine = await createPusher(silent);
      const command = await createNargate(machine, silent);
      const text = await addTexts(machine, "unsigned", 1);
      const built = await addBuilt(machine, { name: "unsigned-built", references: [text] });
      const { stdout, stderr } = await command.run("push", "--json", built);
      expect(stderr).toMatch(/^warning: nobody who trusts \S+ can pull 1 of these paths: /m);
      expect(stderr).toContain("Use --sign-key, or let the gateway sign (SIGNING_KEY)");
      expect(stderr).toContain("1 of them UNUSABLE without a signature");
      expect(JSON.parse(stdout)).toMatchObject({ unusable: 1 });
      const listed = await command.attempt("ls", built);
      expect(listed.code).toBe(1);
      expect(listed.stdout).toContain("UNUSABLE");
      // Text files are content-addressed.
      expect((await command.attempt("ls", text)).code).toBe(0);
    } finally {
      await silent.stop();
    }
  });

  it("finds what lacks its NAR, and sends it again with --repair", async () => {
    const storePath = await addClosure("repair");
    await nargate.run("push", storePath);
    const closure = await closureOf(pusher, storePath);
    const nars = gateway.bucket.keys().filter((key) => key.startsWith("nar/"));
    for (const key of nars) await gateway.bucket.remove(key);
    const verify = await nargate.attempt("ls", "--closure", "--verify", storePath);
    expect(verify.code).toBe(1);
    expect(verify.stdout.match(/its NAR is MISSING/g)).toHaveLength(closure.length);
    const skipped = await nargate.run("push", "--json", storePath);
    expect(pushedNames(skipped.stdout)).toEqual([]);
    const repaired = await nargate.run("push", "--json", "--repair", storePath);
    expect(pushedNames(repaired.stdout)).toHaveLength(closure.length);
    expect((await nargate.attempt("ls", "--closure", "--verify", storePath)).code).toBe(0);
    await expectPullable(storePath);
  });

  it("says in one line that there is no server", async () => {
    const port = await findFreePort();
    const machine = await createPusher(gateway);
    const command = await createNargate(machine, { url: `http://127.0.0.1:${port}` });
    const { code, stderr } = await command.attempt("push", await addTexts(machine, "lonely", 1));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nargate: cannot reach 127\.0\.0\.1:\d+: .*ECONNREFUSED.*\n$/);
  });

  it("reports a path that the store does not have, and pushes the others", async () => {
    const top = await addBuilt(pusher, { name: "there" });
    const gone = `/nix/store/${"a".repeat(32)}-gone`;
    const { code, stdout } = await nargate.attempt("push", "--json", gone, top);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ pushed: [{ path: top }], failed: [{ path: gone }] });
  });
});
