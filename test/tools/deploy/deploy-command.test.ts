import { spawnSync } from "node:child_process";
import path from "node:path";
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
