import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { generateSecretKey } from "../../../src/nix/signature.ts";
import { runWithSecrets } from "../../../tools/deploy/run-with-secrets.ts";
import { describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

/** As npm runs it. */
function run(command: string, ...commandArguments: string[]) {
  const script = path.join(ROOT, `tools/${command}/main.ts`);
  const result = spawnSync(process.execPath, ["--no-warnings", script, ...commandArguments], {
    encoding: "utf8",
    cwd: ROOT,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

describe("npm run deploy", () => {
  it.each([["--env", "production"], ["--var=TOKENS:x"], ["-e", "x"]])(
    "refuses %s, whose settings it does not check",
    (...given) => {
      const { code, stderr } = run("deploy", "--dry-run", ...given);
      expect(code).toBe(2);
      expect(stderr).toContain(`npm run deploy does not check ${given[0]};`);
    },
    20_000,
  );

  it("deploys nothing of an untouched clone, and names what to set", () => {
    const { code, stderr } = run("deploy", "--dry-run");
    expect(code).toBe(1);
    expect(stderr).toContain("Nothing is deployed. Correct these settings first:");
    expect(stderr).toContain("  B2_BUCKET is still the placeholder");
  }, 20_000);

  it("deploys the example as it is", () => {
    const { code, stdout, stderr } = run(
      "deploy",
      "--config",
      "examples/ai-dev-env/wrangler.toml",
      "--dry-run",
    );
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("--dry-run: exiting now.");
    expect(stdout).toContain("ai-dev-env");
  }, 60_000);

  it("checks the file of --secrets-file=FILE as well", () => {
    const { code, stderr } = run("deploy", "--dry-run", "--secrets-file=.dev.vars.example");
    expect(code).toBe(1);
    expect(stderr).toContain("B2_KEY_ID is not set");
  }, 20_000);
});

/** Runs it in a shell, with `input` in a socket as standard input. */
function runInShell(shell: string, input: string) {
  const command = `"${process.execPath}" --no-warnings "${path.join(ROOT, "tools/deploy/main.ts")}" --config examples/ai-dev-env/wrangler.toml --dry-run`;
  const result = spawnSync("bash", ["-c", shell.replace("deploy", command)], {
    encoding: "utf8",
    cwd: ROOT,
    input,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

async function formatSecrets(): Promise<string> {
  const key = await generateSecretKey("cache.example.org-1");
  return `B2_KEY_ID="005abc"\nB2_APPLICATION_KEY="K005/a+b"\nTOKENS='[]'\nSIGNING_KEY="${key}"\n`;
}

describe("npm run deploy with secrets that no file holds", () => {
  it.each([
    { what: "a socket as standard input", shell: "deploy --secrets-file -" },
    { what: "a pipe as standard input", shell: "cat | deploy --secrets-file=/dev/stdin" },
    { what: "another pipe", shell: "deploy --secrets-file <(cat)" },
  ])(
    "hands them from $what to wrangler",
    async ({ shell }) => {
      const { code, stdout, stderr } = runInShell(shell, await formatSecrets());
      expect(stderr).toBe("");
      expect(code).toBe(0);
      for (const name of ["B2_KEY_ID", "B2_APPLICATION_KEY", "TOKENS", "SIGNING_KEY"]) {
        expect(stdout).toMatch(new RegExp(`env\\.${name} \\("\\(hidden\\)"\\)`));
      }
      expect(stdout).toContain("--dry-run: exiting now.");
    },
    60_000,
  );

  it.each([
    { what: "nothing", shell: "deploy --secrets-file -", input: "" },
    { what: "an error message", shell: "deploy --secrets-file <(cat)", input: "[ERROR] no item" },
    { what: "a closed standard input", shell: "deploy --secrets-file - <&-", input: "" },
  ])(
    "deploys nothing if $what comes",
    ({ shell, input }) => {
      const { code, stderr } = runInShell(shell, input);
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /^--secrets-file \S+ holds no setting\. Check that the command that writes it succeeds\n$/,
      );
    },
    20_000,
  );

  it("deploys nothing if a secret is wrong, and shows no value", async () => {
    const secrets = (await formatSecrets()).replace("TOKENS='[]'", "TOKENS='secret words'");
    const { code, stdout, stderr } = runInShell("deploy --secrets-file -", secrets);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("  TOKENS is not");
    expect(stderr).not.toContain("secret words");
  }, 20_000);
});

describe("runWithSecrets", () => {
  /** A stand-in for wrangler: it copies what is behind --secrets-file. */
  const COPY = `const { readFileSync, writeFileSync } = require("node:fs");
const [to, flag, from, ...rest] = process.argv.slice(1);
writeFileSync(to, readFileSync(from)); process.exit(rest.length === 0 && flag === "--secrets-file" ? 7 : 1)`;

  it("gives the program every value as it was checked, in a pipe, and returns its exit code", async () => {
    const copy = path.join(await temporaryDirectory(), "copy");
    const values = { B2_APPLICATION_KEY: "K005$HOME/\"a\\nb'", TOKENS: "[]" };
    const code = await runWithSecrets([process.execPath, "-e", COPY, copy], values);
    expect(code).toBe(7);
    expect(JSON.parse(await readFile(copy, "utf8"))).toEqual(values);
  });

  it("ends with a program that reads nothing", async () => {
    const values = { TOKENS: "x".repeat(1024 * 1024) };
    expect(await runWithSecrets(["sh", "-c", "exit 3"], values)).toBe(3);
  });
});
