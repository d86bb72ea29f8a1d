import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createPuller, createPusher, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";
import { createNargate, type NargateCommand } from "../../testkit/nix/nargate-command.ts";
import { canBuild, hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { hashPart } from "../../testkit/nix/nix-paths.ts";

/** The second needs the first. */
function twoBuilds(name: string): string {
  return `let
    build = name: text: derivation {
      inherit name;
      system = builtins.currentSystem;
      builder = "/bin/sh";
      args = [ "-c" text ];
    };
    first = build "${name}-first" "echo one > $out";
    in build "${name}-second" "echo \${first} > $out"`;
}

describe.skipIf(!hasNix || !canBuild())("nargate watch-exec", () => {
  let gateway: LocalGateway;
  let builder: NixMachine;
  let nargate: NargateCommand;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    builder = await createPusher(gateway);
    nargate = await createNargate(builder, gateway);
  });
  afterAll(() => gateway.stop());

  async function writeExpression(name: string, text: string): Promise<string> {
    const file = path.join(builder.directory, `${name}.nix`);
    await writeFile(file, text);
    return file;
  }

  it("pushes what a build made, and not its derivations", async () => {
    const file = await writeExpression("simple", twoBuilds("simple"));
    const { stdout } = await nargate.run(
      "watch-exec",
      "--json",
      "--",
      "nix-build",
      "--no-out-link",
      file,
    );
    const [built = "", json = ""] = stdout.trim().split("\n");
    expect(built).toMatch(/-simple-second$/);
    const names = JSON.parse(json).pushed.map((one: { path: string }) => one.path.slice(44));
    expect(names.toSorted()).toEqual(["simple-first", "simple-second"]);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", built);
    await verifyStore(puller);
  });

  it("pushes what lay in the store without being valid, as a killed build leaves it", async () => {
    const file = await writeExpression("leftover", twoBuilds("leftover"));
    const evaluate = ["--eval", "--json", "--expr", `(import ${file}).outPath`];
    const second = String(JSON.parse(await builder.run("nix-instantiate", ...evaluate)));
    await writeFile(path.join(builder.storeDirectory, path.basename(second)), "half");
    const build = ["nix-build", "--no-out-link", file];
    const { stdout } = await nargate.run("watch-exec", "--json", "--", ...build);
    const json = stdout.trim().split("\n").at(-1) ?? "";
    const names = JSON.parse(json).pushed.map((one: { path: string }) => one.path.slice(44));
    expect(names.toSorted()).toEqual(["leftover-first", "leftover-second"]);
  });

  it("pushes while the command still runs", async () => {
    const file = await writeExpression("early", twoBuilds("early"));
    const evaluate = ["--eval", "--json", "--expr", `(import ${file}).outPath`];
    const second = String(JSON.parse(await builder.run("nix-instantiate", ...evaluate)));
    const script = `nix-build --no-out-link ${file} && exec sleep 30`;
    const running = nargate.start("watch-exec", "--", "sh", "-c", script);
    await vi.waitUntil(() => gateway.bucket.keys().includes(`${hashPart(second)}.narinfo`), 20_000);
    running.interrupt("SIGTERM");
    const { code } = await running.ended;
    expect(code).toBe(128 + 15);
  });

  it.each([
    { what: "of a command that fails", words: ["sh", "-c", "exit 42"], code: 42 },
    { what: "of a command that is killed", words: ["sh", "-c", "kill -9 $$"], code: 137 },
    { what: "for a command that is not there", words: ["no-such-command"], code: 127 },
  ])("keeps the exit code $what", async ({ words, code }) => {
    const result = await nargate.attempt("watch-exec", "--", ...words);
    expect(result.code).toBe(code);
  });

  it("runs the command all the same where the token is wrong, and says so", async () => {
    const machine = await createPusher(gateway);
    const command = await createNargate(machine, gateway, "nonsense");
    const result = await command.attempt("watch-exec", "--", "sh", "-c", "echo ran; exit 3");
    expect(result).toMatchObject({ code: 3, stdout: "ran\n" });
    expect(result.stderr).toMatch(
      /^nargate: warning: cannot push: the cache refused the token .*\n$/,
    );
  });

  it("keeps the exit code of a build whose push failed, and says so", async () => {
    const file = await writeExpression("unpushed", twoBuilds("unpushed"));
    gateway.faults.add({
      match: { operation: "PutObject", keyPattern: "\\.narinfo$" },
      effect: { status: 403, code: "AccessDenied" },
    });
    const result = await nargate.attempt("watch-exec", "--", "nix-build", "--no-out-link", file);
    gateway.faults.clear();
    expect(result.code).toBe(0);
    expect(result.stderr).toContain(
      "nargate: warning: some new paths could not be pushed; see the lines above\n",
    );
  });
});
