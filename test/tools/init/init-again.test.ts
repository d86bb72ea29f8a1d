import { execFileSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { startInitTrial } from "../../../testkit/node/init-trial.ts";
import { writeTokenFile } from "../../../src/client/token-list.ts";
import type { Asker } from "../../../tools/init/asker.ts";
import { SECRET } from "../../../testkit/node/start-canary-bucket.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { readPresentState } from "../../../tools/init/present-state.ts";

const NARINFO = `StorePath: /nix/store/${"1".repeat(32)}-x
URL: nar/${"1".repeat(52)}.nar.xz
Compression: xz
NarHash: sha256:${"0".repeat(52)}
NarSize: 200
References: 
`;

async function refuse(): Promise<never> {
  throw new Error("it asked");
}

describe("another run of nargate init", { timeout: 60_000 }, () => {
  it("asks nothing about the paths that were pushed since the first one", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    await trial.bucket.view.write(`${"1".repeat(32)}.narinfo`, Buffer.from(NARINFO));
    expect((await trial.run(["--no-deploy"])).error).toBeUndefined();
  });

  it("asks nothing at all where nothing changes, and says so", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    const asker: Asker = {
      isSilent: false,
      ask: async ({ suggestion = "" }) => suggestion,
      askSecret: refuse,
      confirm: refuse,
      requireAnswers() {},
    };
    const again = await trial.run(["--no-deploy"], { asker });
    expect(again.error).toBeUndefined();
    expect(again.output).toContain("Nothing changes in the files.\n");
    const changed = await trial.run(["--no-deploy", "--host", "cache.example.org"], { asker });
    expect(changed.error).toBe("it asked");
  });

  it("gives each trial a key of another name", async () => {
    const names = [];
    for (let count = 1; count <= 2; count++) {
      const trial = await startInitTrial();
      await trial.run([]);
      names.push((await trial.read("nargate/signing-key")).split(":")[0]);
    }
    expect(names[0]).toMatch(/^nargate-[0-9a-f]{6}-1$/);
    expect(names[1]).not.toBe(names[0]);
  });

  it("says that --expires changes no token that exists", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy", "--expires", "2027-01-31"]);
    const { output } = await trial.run(["--no-deploy", "--expires", "30d"]);
    expect(output).toContain(
      "The token ci (push) stays, until 2027-01-31: --expires changes no token that exists; make another with nargate token create.",
    );
  });

  it("makes tokens that do not expire, with --expires never", async () => {
    const trial = await startInitTrial();
    const { output } = await trial.run(["--no-deploy", "--expires", "never"]);
    expect(output).toContain("A new token, ci (push), without an expiry.");
    expect(await trial.read("tokens.json")).not.toContain("expires");
  });

  it("makes no second token for CI, and says what does", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    const { error } = await trial.run(["--no-deploy", "--push-token", "ci2"]);
    expect(error).toBe(
      "the push token of this cache is ci already. Make a further one with: nargate token create ci2 --scope push",
    );
  });

  it("wants the files back that somebody has moved into a password manager", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    await rm(path.join(trial.home, ".config/nargate/nargate"), { recursive: true });
    trial.bucket.view.forgetRequests();
    const { error } = await trial.run(["--no-deploy"]);
    expect(error).toMatch(
      /has the token ci and admin, and these files are missing: .*secrets\.env/,
    );
    expect(error).toContain("restore them from your password manager");
    expect(trial.bucket.view.requests()).toEqual([]);
  });

  it("adds the tokens of the list, and says which", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    const file = path.join(trial.home, ".config/nargate/tokens.json");
    const list = JSON.parse(await readFile(file, "utf8"));
    await writeTokenFile(file, [
      ...list,
      { name: "alice", sha256: "0".repeat(64), scopes: ["push"] },
    ]);
    const { output, error } = await trial.run(["--no-deploy"]);
    expect(error).toBeUndefined();
    expect(output).toContain("Added from the list of tokens: alice.\n");
    expect(await trial.read("nargate/secrets.env")).toContain('"name":"alice"');
  });

  it("says in a dry run what the real run would replace, and shows no key that it will not make", async () => {
    const trial = await startInitTrial();
    const first = await trial.run(["--dry-run"]);
    expect(first.output).toContain('  PUBLIC_KEYS = "<a new key>"\n');
    await trial.run(["--no-deploy"]);
    const { output } = await trial.run(["--dry-run", "--signing-key", "new"]);
    expect(output).toContain("The real run needs --replace-secrets: it replaces SIGNING_KEY.\n");
  });
});

describe("the files of nargate init", { timeout: 60_000 }, () => {
  it("give a shell the bucket, and nargate sign the key", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    const directory = path.join(trial.home, ".config/nargate/nargate");
    const script = `. ${directory}/bucket.env; printf %s "$B2_BUCKET $B2_PREFIX $B2_APPLICATION_KEY"`;
    const printed = execFileSync("sh", ["-c", script], { encoding: "utf8", env: {} });
    expect(printed).toBe(`ai-dev-env nix/cache/ ${SECRET}`);
    const key = (await trial.read("nargate/signing-key")).trim();
    expect(await trial.read("nargate/secrets.env")).toContain(`SIGNING_KEY='${key}'`);
    for (const file of ["nargate/bucket.env", "nargate/signing-key"]) {
      expect(await trial.modeOf(file)).toBe(0o600);
    }
  });

  it("lie in .nargate for a trial, so that it touches neither wrangler.toml nor the home", async () => {
    const context = createTestContext();
    const flags = { config: undefined, secretsFile: undefined, tokenList: undefined };
    const { files, config } = await readPresentState({ ...flags, target: "local" }, context);
    const folder = path.resolve(".nargate/local");
    for (const file of Object.values(files)) expect(path.dirname(file)).toBe(folder);
    expect(config.name).toBe("nargate");
  });
});

describe("nargate init for Cloudflare", () => {
  it("refuses a bucket on this machine, before it asks anything", async () => {
    const trial = await startInitTrial();
    const { error } = await trial.run([], { target: "cloudflare" });
    expect(error).toContain("B2_ENDPOINT is an address of this machine, which Cloudflare cannot");
    expect(trial.bucket.view.requests()).toEqual([]);
  });
});

describe("what nargate init says of unsigned paths", () => {
  it("comes first, with lines to copy", async () => {
    const trial = await startInitTrial();
    await trial.bucket.view.write(`${"1".repeat(32)}.narinfo`, Buffer.from(NARINFO));
    const { output } = await trial.run(["--existing", "yes"]);
    const directory = path.join(trial.home, ".config/nargate/nargate");
    expect(output).toContain(`  . ${directory}/bucket.env
  ./nargate fsck --to https://cache.example.org
  ./nargate sign --unsigned --prove --to https://cache.example.org \\
    --key-file ${directory}/signing-key --token-file ${directory}/admin-token
`);
    expect(output.indexOf("./nargate sign")).toBeLessThan(output.indexOf("extra-substituters"));
  });
});
